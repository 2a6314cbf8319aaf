// Proves that log-probabilities are those of the model's own logits, for sampled tokens and for the
// prompt however it is cut; that biases steer sampling and nothing else; that options out of bounds
// are refused.
#include "infer/generate.h"

#include <gtest/gtest.h>

#include <cmath>

#include "model/test_families.h"

namespace cairn::infer {
namespace {

class GenerateOptionsTest : public testing::Test {
  protected:
    GenerateOptionsTest()
        : machine_(tensor::available_kernel_sets().back(), 2),
          model_(model::family_model(model::causal_families()[0], tensor::WeightType::kF32)),
          transformer_(model_.config, model_.weights, model::all_layers(model_.config),
                       machine_.compute, {}) {}

    Result<Generated> write(const GenerateOptions& options, const StepCallback& callback = {}) {
        model::KvCache cache(model_.config, model::all_layers(model_.config),
                             model_.config.context);
        LocalLayers layers(transformer_, cache);
        return generate(machine_.compute, transformer_, layers, prompt_, options, {}, callback);
    }
    // log softmax in double precision.
    static double logprob(std::span<const float> logits, std::uint32_t token) {
        double total = 0;
        for (const float z : logits) total += std::exp(double{z});
        return double{logits[token]} - std::log(total);
    }

    model::Machine machine_;
    model::Model model_;
    model::Transformer transformer_;
    text::Tokens prompt_ = model::random_tokens(40, 67, 12);
};

TEST_F(GenerateOptionsTest, LogprobsAreThoseOfTheModel) {
    GenerateOptions options;
    options.max_tokens = 10;
    options.sampling = {.temperature = 1.5F, .seed = 5};
    options.logprobs = true;
    options.top_logprobs = 4;
    std::size_t steps = 0;
    const auto text = write(options, [&](const GeneratedStep& step) {
        EXPECT_NEAR(double{step.logprob}, logprob(step.logits, step.token), 1e-5);
        EXPECT_EQ(step.top.size(), 4U);
        EXPECT_EQ(step.top[0].id, tensor::argmax(step.logits));
        for (std::size_t i = 0; i < step.top.size(); ++i) {
            EXPECT_NEAR(double{step.top[i].logprob}, logprob(step.logits, step.top[i].id), 1e-5);
            if (i > 0) {
                EXPECT_LE(step.top[i].logprob, step.top[i - 1].logprob);
            }
        }
        ++steps;
        return true;
    });
    ASSERT_TRUE(text.ok());
    EXPECT_EQ(steps, 10U);
}

TEST_F(GenerateOptionsTest, PromptLogprobsDoNotDependOnItsCut) {
    GenerateOptions options;
    options.max_tokens = 1;
    options.echo_logprobs = true;
    options.top_logprobs = 2;
    options.prefill_batch = 40;
    const auto whole = write(options).value().prompt;
    ASSERT_EQ(whole.size(), prompt_.size() - 1);
    // The sum of what the prompt's tokens cost is its loss, which token-by-token decoding gives.
    model::KvCache cache(model_.config, model::all_layers(model_.config), 64);
    std::vector<float> state(model_.config.dim);
    std::vector<float> logits(model_.config.vocab);
    for (std::size_t t = 0; t + 1 < prompt_.size(); ++t) {
        transformer_.embed(std::span(prompt_).subspan(t, 1), t, state);
        transformer_.forward(state, cache);
        transformer_.head(state, logits);
        EXPECT_EQ(whole[t].token, prompt_[t + 1]);
        EXPECT_NEAR(double{whole[t].logprob}, logprob(logits, prompt_[t + 1]), 1e-5);
        EXPECT_EQ(whole[t].top.size(), 2U);
    }
    for (const std::size_t cut : {1U, 7U, 17U, 39U}) {
        options.prefill_batch = cut;
        const auto known = write(options).value().prompt;
        ASSERT_EQ(known.size(), whole.size());
        for (std::size_t i = 0; i < known.size(); ++i)
            EXPECT_EQ(std::bit_cast<std::uint32_t>(known[i].logprob),
                      std::bit_cast<std::uint32_t>(whole[i].logprob));
    }
}

TEST_F(GenerateOptionsTest, BiasesSteerSamplingAndNothingElse) {
    GenerateOptions options;
    options.max_tokens = 5;
    const Generated plain = write(options).value();
    options.logit_bias = {{13, 100.0F}};
    std::size_t steps = 0;
    const Generated steered = write(options, [&](const GeneratedStep& step) {
                                  steps += 1;
                                  return step.logits[13] < 90.0F;  // the model's own
                              }).value();
    EXPECT_EQ(steps, 5U);
    EXPECT_EQ(steered.tokens, text::Tokens(5, 13));
    options.logit_bias = {{plain.tokens[0], -100.0F}};
    EXPECT_NE(write(options).value().tokens[0], plain.tokens[0]);
}

// A long prompt would push its commonest words, and in a chat the token that ends a turn, out of
// every answer.
TEST_F(GenerateOptionsTest, PenaltiesForWhatWasWrittenLeaveThePromptAlone) {
    prompt_.assign(40, 13);
    GenerateOptions options;
    options.max_tokens = 3;
    options.logit_bias = {{13, 90.0F}};
    ASSERT_EQ(write(options).value().tokens, text::Tokens(3, 13));
    options.sampling.frequency_penalty = 4.0F;
    EXPECT_EQ(write(options).value().tokens, text::Tokens(3, 13));
    options.sampling.presence_penalty = 100.0F;
    const Generated once = write(options).value();
    EXPECT_EQ(once.tokens[0], 13U);
    EXPECT_NE(once.tokens[1], 13U);
    // What was sampled before an interruption counts.
    options.sampled_before = 1;
    EXPECT_NE(write(options).value().tokens[0], 13U);
}

TEST_F(GenerateOptionsTest, RefusesWhatIsOutOfBounds) {
    GenerateOptions options;
    options.logit_bias = {{67, 1.0F}};
    EXPECT_FALSE(write(options).ok());
    options.logit_bias = {{1, 101.0F}};
    EXPECT_FALSE(write(options).ok());
    options.logit_bias = {{1, std::nanf("")}};
    EXPECT_FALSE(write(options).ok());
    options = {};
    options.top_logprobs = kMaxTopLogprobs + 1;
    EXPECT_FALSE(write(options).ok());
}

TEST(Generate, EncodersWriteNoText) {
    EXPECT_EQ(
        check_prompt(model::families().back().config, std::vector<std::uint32_t>{1}).error().code,
        ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace cairn::infer
