// Proves that an encoder-decoder learns from pairs, that its bits depend on neither kernels nor
// threads, that it stops and resumes exactly, that a step's gradient is the mean over what its
// leaves learnt, and that what does not fit is refused.
#include "train/pair_lessons.h"

#include <gtest/gtest.h>

#include <cmath>

#include "model/leaf.h"
#include "tensor/philox.h"
#include "train/trainer.h"

namespace cairn::train {
namespace {

using Tokens = std::vector<std::uint32_t>;

constexpr std::uint32_t kBoundary = 10;  // begins and ends texts of the tokens 0 to 9

model::EncoderDecoderLayout tiny_layout() {
    model::ModelConfig config;
    config.dim = 16;
    config.hidden_dim = 32;
    config.layers = 1;
    config.heads = 2;
    config.kv_heads = 1;
    config.vocab = 11;
    config.context = 16;
    model::ModelConfig encoder = config, decoder = config;
    encoder.causal = false;
    decoder.cross_context = 16;
    return {encoder, decoder};
}

Recipe tiny_recipe() {
    Recipe recipe;
    recipe.leaf_tokens = 1024;
    recipe.context = 16;
    recipe.leaves_per_step = 2;
    recipe.peak_rate = 1e-2;
    recipe.warmup_steps = 2;
    recipe.total_steps = 40;
    return recipe;
}

/// Sources of 1 to 9 tokens; a target is its source.
PairSet copies(std::size_t count) {
    PairSet set;
    for (std::size_t i = 0; i < count; ++i) {
        Tokens text;
        for (std::uint64_t k = 0; k < 1 + i % 9; ++k)
            text.push_back(static_cast<std::uint32_t>(tensor::philox_u64(3, i, k) % 10));
        Tokens target{kBoundary};
        target.insert(target.end(), text.begin(), text.end());
        target.push_back(kBoundary);
        set.pairs.push_back({text, target});
    }
    return set;
}

struct Bench {
    explicit Bench(tensor::KernelSet set = tensor::available_kernel_sets().back(),
                   std::size_t threads = 1, const Recipe& recipe = tiny_recipe())
        : pool(threads),
          compute{*tensor::kernels_for(set), &pool},
          trainer(pair_lessons(layout, recipe, pairs, compute), recipe, 7, compute) {
        trainer.start(model::initial_parameters(layout, 5), 0);
    }

    model::EncoderDecoderLayout layout = tiny_layout();
    PairSet pairs = copies(300);
    ThreadPool pool;
    tensor::Compute compute;
    Trainer trainer;
};

TEST(PairLessons, AreLearnt) {
    Bench bench;
    std::vector<double> losses;
    for (int i = 0; i < 40; ++i) {
        const StepReport report = bench.trainer.step().value();
        losses.push_back(report.loss);
        // Two leaves with as many pairs as fit, of 1 to 9 and of 2 to 10 rows.
        EXPECT_GT(report.tokens, 2 * (1024 - 10 + 700));
        EXPECT_LE(report.tokens, 2 * 2 * 1024U);
    }
    EXPECT_NEAR(losses.front(), std::log(11.0), 0.2);
    EXPECT_LT(losses.back(), losses.front() - 0.5);
}

TEST(PairLessons, EveryMachineTakesTheSameSteps) {
    std::vector<Bytes> saved;
    for (const tensor::KernelSet set : tensor::available_kernel_sets())
        for (const std::size_t threads : {1U, 3U}) {
            Bench bench(set, threads);
            for (int i = 0; i < 2; ++i) ASSERT_TRUE(bench.trainer.step().ok());
            saved.push_back(bench.trainer.save());
        }
    for (const Bytes& state : saved) EXPECT_TRUE(state == saved.front());
}

TEST(PairLessons, ResumeToTheBit) {
    Bench whole, first, second;
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(whole.trainer.step().ok());
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(first.trainer.step().ok());
    ASSERT_TRUE(second.trainer.load(first.trainer.save()).ok());
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(second.trainer.step().ok());
    EXPECT_TRUE(second.trainer.save() == whole.trainer.save());
}

// Drawn by hand, as the rule says it.
TEST(PairLessons, AStepIsTheMeanOverTheTokensOfItsLeaves) {
    Bench bench;
    const std::vector<float> parameters = model::initial_parameters(bench.layout, 5);
    const model::EncoderDecoderWeights weights = model::view_weights(bench.layout, parameters);
    model::PairPass pass(bench.layout, {1024, 1024}, 1, bench.compute);
    std::vector<std::vector<float>> leaves;
    std::uint64_t drawn = 0, learnt = 0;
    std::int64_t loss = 0;
    for (int leaf = 0; leaf < 2; ++leaf) {
        std::vector<model::PairText> texts;
        std::size_t sources = 0, targets = 0;
        while (sources + 9 <= 1024 && targets + 10 <= 1024) {
            texts.push_back(
                bench.pairs.text(tensor::mulhi64(tensor::philox_u64(7, 3, drawn++), 300)));
            sources += texts.back().source.size();
            targets += texts.back().target_rows();
        }
        leaves.emplace_back(bench.layout.size());
        loss += pass.backward(weights, texts, leaves.back());
        learnt += model::learnt_tokens(texts, 1);
    }
    std::vector<float> mean(bench.layout.size()), found(bench.layout.size());
    const float share = 1.0F / static_cast<float>(learnt);
    for (std::size_t i = 0; i < mean.size(); ++i) mean[i] = (leaves[0][i] + leaves[1][i]) * share;
    const auto lessons = pair_lessons(bench.layout, tiny_recipe(), bench.pairs, bench.compute);
    const LessonSum sum = lessons->gradient(7, 3, parameters, found);
    EXPECT_EQ(sum.loss, loss);
    EXPECT_EQ(sum.learnt, learnt);
    EXPECT_EQ(found, mean);
}

TEST(PairLessons, ALeafThatCanBeFullIsFull) {
    Bench bench;
    PairSet set;
    set.pairs.push_back({Tokens(8, 1), Tokens(9, 1)});  // 8 rows on either side
    const auto lessons = pair_lessons(bench.layout, tiny_recipe(), set, bench.compute);
    std::vector<float> gradient(bench.layout.size());
    const LessonSum sum =
        lessons->gradient(1, 0, model::initial_parameters(bench.layout, 5), gradient);
    EXPECT_EQ(sum.tokens, 2 * 2 * 1024U);
    EXPECT_EQ(sum.learnt, 2 * 1024U);
}

TEST(PairLessons, TheLossOfAllPairsIsTheSameInLeavesOfAnySize) {
    Bench bench;
    const std::vector<float> parameters = model::initial_parameters(bench.layout, 5);
    const model::EncoderDecoderWeights weights = model::view_weights(bench.layout, parameters);
    std::vector<std::int64_t> sums;
    for (const std::size_t rows : {10U, 50U, 4000U}) {
        model::PairPass pass(bench.layout, {rows, rows}, 1, bench.compute, false);
        sums.push_back(pair_loss(pass, weights, bench.pairs).value());
        EXPECT_EQ(pair_loss(pass, weights, bench.pairs, [] { return true; }), std::nullopt);
    }
    EXPECT_EQ(sums[0], sums[1]);
    EXPECT_EQ(sums[0], sums[2]);
}

TEST(PairLessons, RefuseWhatDoesNotFit) {
    const model::EncoderDecoderLayout layout = tiny_layout();
    EXPECT_FALSE(check_pairs({}, layout, 1024).ok());
    PairSet set = copies(3);
    EXPECT_TRUE(check_pairs(set, layout, 1024).ok());
    EXPECT_FALSE(check_pairs(set, layout, 3).ok());
    set.pairs[1].source = Tokens(17, 1);
    const Status refused = check_pairs(set, layout, 1024);
    ASSERT_FALSE(refused.ok());
    EXPECT_NE(refused.error().message.find("pair 2"), std::string::npos);
    EXPECT_TRUE(validate(tiny_recipe(), layout).ok());
    Recipe odd = tiny_recipe();
    odd.leaf_tokens = 1000;
    EXPECT_FALSE(validate(odd, layout).ok());
    odd = tiny_recipe();
    odd.peak_rate = 11;
    EXPECT_FALSE(validate(odd, layout).ok());
    odd = tiny_recipe();
    odd.context = 64;  // more than the model's: texts of 16 at most
    EXPECT_TRUE(validate(odd, layout).ok());
}

}  // namespace
}  // namespace cairn::train
