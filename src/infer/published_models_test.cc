// Proves that published models, as tools/fetch-models brings them, are read and make sense here:
// SmolLM2 answers in its own form, Gemma 3 continues a text beyond its window with the same bits in
// one piece or in many, MiniLM finds which sentences are alike.
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/thread_pool.h"
#include "formats/load.h"
#include "infer/chat_session.h"
#include "infer/text_vectors.h"
#include "model/test_model.h"

namespace cairn::infer {
namespace {

constexpr const char* kLacks =
    "no published models: set CAIRN_MODELS to tools/fetch-models' folder";

class PublishedModels : public testing::Test {
  protected:
    /// False where the file is not there.
    bool load(const std::string& name) {
        const char* folder = std::getenv("CAIRN_MODELS");
        if (folder == nullptr) return false;
        const std::string path = std::string(folder) + "/" + name;
        auto loaded = formats::load_any(path);
        if (!loaded.ok() && loaded.error().code == ErrorCode::kNotFound) return false;
        EXPECT_TRUE(loaded.ok()) << loaded.error().message;
        if (!loaded.ok()) return false;
        pooling_ = loaded->pooling;
        tokenizer_ = formats::find_tokenizer(loaded->model, path, "").value();
        model_ = model::pack_model(machine_.compute, loaded->model);
        return true;
    }

    model::Machine machine_{tensor::available_kernel_sets().back(), 2};
    model::Model model_;
    std::unique_ptr<text::Tokenizer> tokenizer_;
    std::optional<model::Pooling> pooling_;
};

TEST_F(PublishedModels, SmolLm2Answers) {
    if (!load("smollm2-135m-instruct-q4_1.gguf")) GTEST_SKIP() << kLacks;
    EXPECT_EQ(model_.weights.layers[0].wq.type, tensor::WeightType::kQ4_1);
    ChatSession session(model_.config, model_.weights, *tokenizer_,
                        text::ChatFormat::choose(*tokenizer_), machine_.compute, 512);
    EXPECT_EQ(session.format().default_system(),
              "You are a helpful AI assistant named SmolLM, trained by Hugging Face");
    GenerateOptions options;
    options.max_tokens = 40;
    EXPECT_EQ(session.answer("What is the capital of France?", options, {}, {}).value().text,
              "The capital of France is Paris.");
    EXPECT_EQ(session.answer("And of Italy?", options, {}, {}).value().text,
              "The capital of Italy is Rome.");
}

// Logits behind `tokens`, which are fed in pieces.
std::vector<float> logits_behind(const model::Model& model, const tensor::Compute& compute,
                                 const text::Tokens& tokens, std::size_t piece) {
    const std::size_t dim = model.config.dim;
    model::Transformer transformer(model.config, model.weights, model::all_layers(model.config),
                                   compute, {.max_batch = piece, .max_positions = tokens.size()});
    model::KvCache cache(model.config, model::all_layers(model.config), tokens.size());
    std::vector<float> hidden;
    for (std::size_t at = 0; at < tokens.size(); at += piece) {
        const std::size_t n = std::min(piece, tokens.size() - at);
        hidden.resize(n * dim);
        transformer.embed(std::span(tokens).subspan(at, n), at, hidden);
        transformer.forward(hidden, cache);
    }
    std::vector<float> logits(model.config.vocab);
    transformer.head(std::span(hidden).last(dim), logits);
    return logits;
}

TEST_F(PublishedModels, Gemma3ContinuesATextBeyondItsWindow) {
    if (!load("gemma-3-270m-q4_k_m.gguf")) GTEST_SKIP() << kLacks;
    EXPECT_EQ(model_.config.window, 512U);
    std::string text;
    for (int i = 1; i <= 60; ++i) text += "Line " + std::to_string(i) + ": the sky is blue.\n";
    const text::Tokens tokens = tokenizer_->encode_whole(text + "Line 61: the sky is");
    ASSERT_GT(tokens.size(), 600U);
    EXPECT_EQ(tokens.front(), 2U);
    const auto logits = logits_behind(model_, machine_.compute, tokens, 256);
    EXPECT_EQ(model::bit_hash(logits_behind(model_, machine_.compute, tokens, 97)),
              model::bit_hash(logits));
    const auto best =
        static_cast<std::uint32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
    EXPECT_EQ(tokenizer_->decode(text::Tokens{best}), " blue");
}

TEST_F(PublishedModels, MiniLmFindsWhatIsAlike) {
    if (!load("all-minilm-l6-v2")) GTEST_SKIP() << kLacks;
    EXPECT_EQ(pooling_, model::Pooling::kMean);
    std::vector<text::Tokens> texts;
    for (const char* sentence :
         {"A cat sat on the mat", "The kitten was sitting on a rug", "Interest rates rose again"})
        texts.push_back(tokenizer_->encode_whole(sentence));
    const auto vectors =
        TextVectors(model_.config, model_.weights, machine_.compute, model::Pooling::kMean)
            .embed(texts)
            .value();
    const auto product = [&](std::size_t a, std::size_t b) {
        double sum = 0;
        for (std::size_t i = 0; i < vectors[a].size(); ++i)
            sum += double{vectors[a][i]} * double{vectors[b][i]};
        return sum;
    };
    // By a forward pass in float64 (tools/peers/compare-models).
    EXPECT_NEAR(product(0, 1), 0.655, 5e-4);
    EXPECT_NEAR(product(0, 2), 0.038, 5e-4);
}

}  // namespace
}  // namespace cairn::infer
