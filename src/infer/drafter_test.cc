// Proves that drafting ahead changes no bit of a text, whoever guesses and however badly, and that
// good guesses save passes.
#include "infer/drafter.h"

#include <gtest/gtest.h>

#include "infer/generate.h"
#include "infer/test_prophet.h"
#include "model/test_families.h"

namespace cairn::infer {
namespace {

struct Bits {
    std::vector<std::uint32_t> tokens;
    std::vector<float> logits;
    StopReason reason{};
    std::size_t rows = 0;  // of keys and values that are left
    bool operator==(const Bits&) const = default;
};

class SpeculationTest : public testing::Test {
  protected:
    explicit SpeculationTest(std::size_t family = 0)
        : machine_(tensor::available_kernel_sets().back(), 2),
          model_(model::family_model(model::causal_families()[family], tensor::WeightType::kF32)),
          transformer_(model_.config, model_.weights, model::all_layers(model_.config),
                       machine_.compute, {}) {}

    Bits write(const GenerateOptions& options, Drafter* drafter, std::size_t most = 4) {
        model::KvCache cache(model_.config, model::all_layers(model_.config),
                             model_.config.context);
        LocalLayers layers(transformer_, cache);
        Bits bits;
        written_ = generate(machine_.compute, transformer_, layers, prompt_, options, {},
                            [&](const GeneratedStep& step) {
                                bits.tokens.push_back(step.token);
                                bits.logits.insert(bits.logits.end(), step.logits.begin(),
                                                   step.logits.end());
                                return true;
                            },
                            {drafter, most})
                       .value();
        bits.reason = written_.reason;
        bits.rows = cache.length();
        return bits;
    }
    std::vector<std::uint32_t> whole(const Bits& bits) const {
        std::vector<std::uint32_t> all = prompt_;
        all.insert(all.end(), bits.tokens.begin(), bits.tokens.end());
        return all;
    }

    model::Machine machine_;
    model::Model model_;
    model::Transformer transformer_;
    text::Tokens prompt_ = model::random_tokens(10, 67, 12);
    Generated written_;
};

TEST_F(SpeculationTest, ChangesNoBit) {
    for (const float temperature : {0.0F, 1.3F}) {
        GenerateOptions options;
        options.max_tokens = 40;
        options.sampling = {.temperature = temperature, .repetition_penalty = 1.1F, .seed = 5};
        const Bits plain = write(options, nullptr);
        EXPECT_EQ(written_.drafted, 0U);
        for (const std::size_t wrong_every : {1000U, 7U, 2U, 1U}) {
            Prophet prophet(whole(plain), wrong_every);
            for (const std::size_t most : {1U, 4U, 32U}) {
                EXPECT_EQ(write(options, &prophet, most), plain) << wrong_every << " " << most;
                if (wrong_every == 1000) {
                    EXPECT_EQ(written_.accepted, written_.drafted);
                }
                if (wrong_every == 1) {
                    EXPECT_EQ(written_.accepted, 0U);
                }
            }
        }
        RepeatDrafter repeats;
        EXPECT_EQ(write(options, &repeats), plain);
    }
}

// The text ends where it would have, also in the middle of what was guessed.
TEST_F(SpeculationTest, EndsWhereItWouldHave) {
    GenerateOptions options;
    options.max_tokens = 10'000;  // the context ends it
    const Bits plain = write(options, nullptr);
    EXPECT_EQ(plain.reason, StopReason::kContext);
    Prophet prophet(whole(plain), 1000);
    EXPECT_EQ(write(options, &prophet, 32), plain);
    options.max_tokens = 5;
    Prophet further(whole(plain), 1000);
    const Bits few = write(options, &further, 32);
    EXPECT_EQ(few.tokens.size(), 5U);
    EXPECT_EQ(few.reason, StopReason::kMaxTokens);
}

// A model that drafts for itself takes the same tokens, greedy or sampled: all come true.
TEST_F(SpeculationTest, AModelGuessesItself) {
    for (const float temperature : {0.0F, 1.0F}) {
        GenerateOptions options;
        options.max_tokens = 30;
        options.sampling = {.temperature = temperature, .seed = 9};
        const Bits plain = write(options, nullptr);
        DraftModel draft(model_.config, model_.weights, machine_.compute, model_.config.context);
        ModelDrafter itself(draft, options.sampling, model_.config.context);
        EXPECT_EQ(write(options, &itself), plain);
        EXPECT_GT(written_.drafted, 15U);
        EXPECT_EQ(written_.accepted, written_.drafted);
        // The same drafter for another text.
        prompt_ = model::random_tokens(10, 67, 13);
        const Bits other = write(options, nullptr);
        EXPECT_EQ(write(options, &itself), other);
        EXPECT_EQ(written_.accepted, written_.drafted);
    }
}

// Another model is wrong now and then, and what it read of its own guesses is forgotten.
TEST_F(SpeculationTest, AnotherModelIsWrongWithoutHarm) {
    const model::Model other =
        model::family_model(model::causal_families()[1], tensor::WeightType::kF32);
    ASSERT_EQ(other.config.vocab, model_.config.vocab);
    GenerateOptions options;
    options.max_tokens = 30;
    const Bits plain = write(options, nullptr);
    DraftModel draft(other.config, other.weights, machine_.compute, 30);
    ModelDrafter drafter(draft, options.sampling, 20);
    EXPECT_EQ(write(options, &drafter), plain);
    EXPECT_LT(written_.accepted, written_.drafted);
    EXPECT_TRUE(drafter.draft(std::vector<std::uint32_t>(21, 1), 4).empty());  // no room
    EXPECT_TRUE(drafter.draft(std::vector<std::uint32_t>{1, 9999}, 4).empty());
}

TEST(RepeatDrafterTest, GuessesWhatFollowedLastTime) {
    RepeatDrafter drafter;
    using Tokens = std::vector<std::uint32_t>;
    EXPECT_EQ(drafter.draft(Tokens{1, 2, 3, 4, 9, 1, 2}, 2), (Tokens{3, 4}));
    EXPECT_EQ(drafter.draft(Tokens{1, 2, 3, 9, 1, 2, 4, 9, 1, 2}, 1), (Tokens{4}));  // the latest
    EXPECT_EQ(drafter.draft(Tokens{5, 1, 2, 7, 6, 1, 2, 8, 5, 1, 2}, 1), (Tokens{7}));  // longest
    EXPECT_EQ(drafter.draft(Tokens{7, 7, 7}, 4), (Tokens{7}));
    EXPECT_EQ(drafter.draft(Tokens{1, 2, 3}, 4), Tokens{});
    EXPECT_EQ(drafter.draft(Tokens{}, 4), Tokens{});
}

// Layers that cannot forget, as those of servers, refuse.
TEST_F(SpeculationTest, LayersMustBeAbleToForget) {
    class Forgetless final : public LayerStack {
      public:
        explicit Forgetless(LocalLayers& layers) : layers_(layers) {}
        Status forward(std::span<float> hidden) override { return layers_.forward(hidden); }

      private:
        LocalLayers& layers_;
    };
    model::KvCache cache(model_.config, model::all_layers(model_.config), model_.config.context);
    LocalLayers layers(transformer_, cache);
    Forgetless forgetless(layers);
    Prophet wrong(std::vector<std::uint32_t>(60, 1), 1);
    const auto refused = generate(machine_.compute, transformer_, forgetless, prompt_,
                                  {.max_tokens = 20}, {}, {}, {&wrong, 4});
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace cairn::infer
