// Proves that a conversation which keeps keys and values between turns writes what a new one over
// the same tokens writes, and that stopped answers leave it consistent.
#include "infer/chat_session.h"

#include <gtest/gtest.h>

#include "base/test_data.h"
#include "formats/load.h"

namespace cairn::infer {
namespace {

class ChatStories : public testing::Test {
  protected:
    void SetUp() override {
        const std::string path = test_data_folder() + "/stories260K/stories260K.bin";
        auto loaded = formats::load_any(path);
        if (!loaded.ok()) GTEST_SKIP() << "no stories260K: set CAIRN_TEST_DATA";
        model_ = std::make_unique<model::Model>(std::move(loaded->model));
        tokenizer_ = formats::find_tokenizer(*model_, path, "").value();
        options_.max_tokens = 24;
    }

    std::unique_ptr<ChatSession> session() const {
        return std::make_unique<ChatSession>(model_->config, model_->weights, *tokenizer_,
                                             text::ChatFormat::choose(*tokenizer_), compute_, 200);
    }

    tensor::Compute compute_{tensor::kernels_from_environment().value(), nullptr};
    std::unique_ptr<model::Model> model_;
    std::unique_ptr<text::Tokenizer> tokenizer_;
    GenerateOptions options_;
};

TEST_F(ChatStories, KeepsWhatItComputed) {
    const auto kept = session();
    const ChatAnswer first = kept->answer("Once upon a time", options_, {}, {}).value();
    EXPECT_EQ(first.text.substr(0, 12), ", there was ");
    EXPECT_EQ(first.reused, 0U);
    const std::size_t length = kept->length();
    const ChatAnswer second = kept->answer("One day, Tom", options_, {}, {}).value();
    // All but the last written token were in memory.
    EXPECT_EQ(second.reused, length - 1);
    EXPECT_LT(second.computed, 16U);
    EXPECT_EQ(kept->messages().size(), 4U);

    // The same text in one prompt gives the same answer.
    text::Tokens prompt =
        kept->format()
            .prompt(*tokenizer_, std::vector<text::ChatMessage>{{"user", "Once upon a time"}})
            .value();
    text::StreamDecoder decoder(*tokenizer_);
    model::Transformer transformer(model_->config, model_->weights,
                                   model::all_layers(model_->config), compute_);
    model::KvCache cache(model_->config, model::all_layers(model_->config), 200);
    LocalLayers layers(transformer, cache);
    const auto one = generate(compute_, transformer, layers, prompt, options_, {}, {}).value();
    prompt.insert(prompt.end(), one.tokens.begin(), one.tokens.end());
    const text::Tokens next = kept->format().next_turn(*tokenizer_, "One day, Tom");
    prompt.insert(prompt.end(), next.begin(), next.end());
    cache.truncate(0);
    const auto two = generate(compute_, transformer, layers, prompt, options_, {}, {}).value();
    std::string text;
    for (const std::uint32_t token : two.tokens) text += decoder.push(token);
    EXPECT_EQ(second.text, text + decoder.finish());
}

// What was guessed wrong is no part of what is remembered: all turns are as without guesses.
TEST_F(ChatStories, GuessesChangeNoTurn) {
    class Stutterer final : public Drafter {  // the last token again: wrong, nearly always
      public:
        std::vector<std::uint32_t> draft(std::span<const std::uint32_t> text,
                                         std::size_t most) override {
            return std::vector<std::uint32_t>(most, text.back());
        }
    };
    Stutterer stutterer;
    DraftModel draft(model_->config, model_->weights, compute_, 200);
    ModelDrafter itself(draft, options_.sampling, 200);
    for (Drafter* drafter : {static_cast<Drafter*>(&stutterer), static_cast<Drafter*>(&itself)}) {
        const auto plain = session();
        const auto guessed = session();
        for (const char* said : {"Once upon a time", "One day, Tom", "The end"}) {
            const ChatAnswer expected = plain->answer(said, options_, {}, {}).value();
            const ChatAnswer answer = guessed->answer(said, options_, {}, {}, {drafter}).value();
            EXPECT_EQ(answer.text, expected.text);
            EXPECT_EQ(answer.reused, expected.reused);
            EXPECT_GT(answer.drafted, 0U);
        }
    }
}

// Layers that are elsewhere, and fail once: what they know is unknown then, and is built anew.
class Elsewhere final : public LayerStack {
  public:
    Elsewhere(const model::Model& model, const tensor::Compute& compute, std::size_t& calls,
              std::size_t fails_at, ErrorCode why = ErrorCode::kIo)
        : transformer_(model.config, model.weights, model::all_layers(model.config), compute),
          cache_(model.config, model::all_layers(model.config), 200),
          calls_(calls),
          fails_at_(fails_at),
          why_(why) {}
    Status forward(std::span<float> hidden) override {
        broken_ = broken_ || ++calls_ == fails_at_;
        if (broken_) return Error{why_, "nobody holds layers 2-5"};
        transformer_.forward(hidden, cache_);
        return ok_status();
    }
    Status truncate(std::size_t length) override {
        if (length == 0) broken_ = false;
        cache_.truncate(std::min(length, cache_.length()));
        return ok_status();
    }

  private:
    model::Transformer transformer_;
    model::KvCache cache_;
    std::size_t& calls_;
    std::size_t fails_at_;
    ErrorCode why_;
    bool broken_ = false;
};

TEST_F(ChatStories, LayersElsewhereAnswerTheSameAlsoAfterTheyFailed) {
    const auto plain = session();
    std::size_t calls = 0;
    ChatSession chat(model_->config, model_->weights, *tokenizer_,
                     text::ChatFormat::choose(*tokenizer_), compute_, 200, model::KvType::kF32,
                     tensor::StateType::kF32,
                     std::make_unique<Elsewhere>(*model_, compute_, calls, 30));
    RepeatDrafter drafter;
    bool failed = false;
    for (const char* said : {"Once upon a time", "One day, Tom", "The end"}) {
        const ChatAnswer expected = plain->answer(said, options_, {}, {}).value();
        auto answer = chat.answer(said, options_, {}, {}, {&drafter});
        if (!answer.ok()) {
            failed = true;
            EXPECT_EQ(answer.error().message, "nobody holds layers 2-5");
            answer = chat.answer(said, options_, {}, {}, {&drafter});
        }
        ASSERT_TRUE(answer.ok()) << answer.error().message;
        EXPECT_EQ(answer->text, expected.text);
    }
    EXPECT_TRUE(failed);
}

TEST_F(ChatStories, ResetForgets) {
    const auto chat = session();
    const ChatAnswer first = chat->answer("Once", options_, {}, {}).value();
    chat->reset(std::nullopt);
    EXPECT_EQ(chat->length(), 0U);
    EXPECT_EQ(chat->answer("Once", options_, {}, {}).value().text, first.text);
    chat->reset("Tom was sad.");
    EXPECT_NE(chat->answer("Once", options_, {}, {}).value().text, first.text);
    EXPECT_EQ(chat->messages()[0].role, "system");
}

TEST_F(ChatStories, StopStringsAndReadersEndAnAnswer) {
    const auto chat = session();
    const ChatAnswer cut =
        chat->answer("Once upon a time", options_, StopStrings::create({"was"}).value(), {})
            .value();
    EXPECT_TRUE(cut.stopped_by_string);
    EXPECT_EQ(cut.text, ", there ");
    ASSERT_TRUE(chat->answer("Go on", options_, {}, {}).ok());

    chat->reset(std::nullopt);
    int shown = 0;
    ChatHooks hooks;
    hooks.show = [&](const std::string&) { ++shown; };
    hooks.cancelled = [&] { return shown >= 3; };
    const ChatAnswer left = chat->answer("Once upon a time", options_, {}, hooks).value();
    EXPECT_TRUE(left.cancelled);
    EXPECT_EQ(left.written, 3U);
    hooks.cancelled = [] { return true; };  // before anything is computed
    const std::size_t length = chat->length();
    const auto none = chat->answer("x", options_, {}, hooks);
    ASSERT_FALSE(none.ok());
    EXPECT_EQ(none.error().code, ErrorCode::kCancelled);
    EXPECT_EQ(chat->length(), length);
    EXPECT_TRUE(chat->answer("x", options_, {}, {}).ok());
}

// The reader may stop it while guesses are made, which may take long, or while it waits for layers
// that are elsewhere; what he sees by then is part of the conversation.
TEST_F(ChatStories, WhateverAnAnswerWaitsForAStopKeepsWhatWasShown) {
    class StoppedWhileGuessing final : public Drafter {
      public:
        std::vector<std::uint32_t> draft(std::span<const std::uint32_t> text,
                                         std::size_t most) override {
            stopped = ++calls == 3;
            return std::vector<std::uint32_t>(most, text.back());
        }
        int calls = 0;
        bool stopped = false;
    };
    std::size_t calls = 0;
    const auto here = session();
    ChatSession elsewhere(
        model_->config, model_->weights, *tokenizer_, text::ChatFormat::choose(*tokenizer_),
        compute_, 200, model::KvType::kF32, tensor::StateType::kF32,
        std::make_unique<Elsewhere>(*model_, compute_, calls, 6, ErrorCode::kCancelled));
    StoppedWhileGuessing drafter;
    for (ChatSession* chat : {here.get(), &elsewhere}) {
        std::string shown;
        ChatHooks hooks;
        hooks.show = [&](const std::string& piece) { shown += piece; };
        if (chat == here.get()) hooks.cancelled = [&] { return drafter.stopped; };
        const Speculation guesses{chat == here.get() ? &drafter : nullptr};
        const auto answer = chat->answer("Once upon a time", options_, {}, hooks, guesses);
        ASSERT_TRUE(answer.ok()) << answer.error().message;
        EXPECT_TRUE(answer->cancelled);
        EXPECT_GE(answer->written, 3U);
        EXPECT_LT(answer->written, options_.max_tokens);
        EXPECT_EQ(answer->text, shown);
        ASSERT_EQ(chat->messages().size(), 2U);
        EXPECT_EQ(chat->messages()[1].content, shown);
        // And it goes on as if the reader had stopped it between two tokens.
        const auto plain = session();
        int pieces = 0;
        ChatHooks at_once;
        at_once.show = [&](const std::string&) { ++pieces; };
        const auto until = static_cast<int>(answer->written);
        at_once.cancelled = [&] { return pieces >= until; };
        EXPECT_EQ(plain->answer("Once upon a time", options_, {}, at_once).value().text, shown);
        EXPECT_EQ(chat->answer("One day, Tom", options_, {}, {}).value().text,
                  plain->answer("One day, Tom", options_, {}, {}).value().text);
    }
}

TEST_F(ChatStories, SaysWhenTheMemoryIsFull) {
    const auto chat = session();
    options_.max_tokens = 1000;
    EXPECT_EQ(chat->answer("Once", options_, {}, {}).value().reason, StopReason::kContext);
    EXPECT_EQ(chat->answer("Once", options_, {}, {}).error().code, ErrorCode::kFull);
}

}  // namespace
}  // namespace cairn::infer
