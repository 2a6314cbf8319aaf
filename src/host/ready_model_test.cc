// Proves what a model makes of prompts: conversations in its chat format, texts with their begin
// token, tokens as they are; and that what is out of bounds is refused with its field.
#include "host/ready_model.h"

#include "host/test_host.h"

namespace cairn::host {
namespace {

class ReadyModels : public testing::Test {
  protected:
    ReadyModels()
        : machine_(tensor::available_kernel_sets().back(), 1),
          model_("id", opened(), 64, machine_.compute) {}

    static OpenedModel opened() {
        OpenedModel opened;
        opened.loaded.model = test::small_model(test::small_config());
        opened.tokenizer = test::small_tokenizer();
        opened.answers_as = "id at height 7";
        return opened;
    }
    text::Tokens tokens(Prompt prompt) const {
        TextRequest request;
        request.prompt = std::move(prompt);
        request.options.max_tokens = 0;
        return std::get<ReadyModel::PromptTokens>(model_.read(request)).tokens;
    }
    HostError error(const TextRequest& request) const {
        return std::get<HostError>(model_.read(request));
    }

    model::Machine machine_;
    ReadyModel model_;
};

TEST_F(ReadyModels, ReadPromptsOfEveryKind) {
    const auto owner = test::small_tokenizer();
    const text::Tokenizer& tokenizer = *owner;
    EXPECT_EQ(tokens(std::string("the cat")), tokenizer.encode_prompt("the cat"));
    EXPECT_EQ(tokens(text::Tokens{3, 1, 2}), (text::Tokens{3, 1, 2}));
    const Conversation conversation{{"user", "the hat"}};
    EXPECT_EQ(tokens(conversation),
              text::ChatFormat::choose(tokenizer).prompt(tokenizer, conversation).value());
    EXPECT_EQ(model_.name(), "id at height 7");
    EXPECT_EQ(model_.context(), 64U);
}

TEST_F(ReadyModels, SayWhichFieldIsToBlame) {
    const auto with = [](const auto& change) {
        TextRequest request;
        request.prompt = text::Tokens(10, 1);
        request.options.max_tokens = 0;
        change(request);
        return request;
    };
    const auto expect = [&](HostErrorKind kind, const std::string& field, const auto& change) {
        const HostError found = error(with(change));
        EXPECT_EQ(found.kind, kind) << found.message;
        EXPECT_EQ(found.field, field) << found.message;
        EXPECT_FALSE(found.message.empty());
    };
    using R = TextRequest;
    expect(HostErrorKind::kTooLong, "prompt", [](R& r) { r.prompt = text::Tokens(64, 1); });
    expect(HostErrorKind::kTooLong, "max_tokens", [](R& r) { r.options.max_tokens = 55; });
    expect(HostErrorKind::kInvalid, "prompt", [](R& r) { r.prompt = text::Tokens{}; });
    expect(HostErrorKind::kInvalid, "prompt", [](R& r) { r.prompt = text::Tokens{99999}; });
    expect(HostErrorKind::kInvalid, "messages", [](R& r) { r.prompt = Conversation{}; });
    expect(HostErrorKind::kInvalid, "messages", [](R& r) {
        r.prompt = Conversation{{"nobody", "x"}};
    });
    expect(HostErrorKind::kInvalid, "stop", [](R& r) { r.stops = {""}; });
    expect(HostErrorKind::kInvalid, "", [](R& r) { r.options.logit_bias = {{99999, 1.0F}}; });
    TextRequest fits = with([](R& r) { r.options.max_tokens = 54; });
    EXPECT_EQ(std::get<ReadyModel::PromptTokens>(model_.read(fits)).max_tokens, 54U);
    fits.options.max_tokens = 0;
    EXPECT_EQ(std::get<ReadyModel::PromptTokens>(model_.read(fits)).max_tokens, 54U);
}

}  // namespace
}  // namespace cairn::host
