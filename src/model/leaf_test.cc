// Proves that a leaf's gradient is the derivative of its loss (against finite differences of an
// independent double-precision model) and that microbatches, threads, kernel sets and layouts
// change no bit of it; pins it by golden hashes.
#include "model/leaf.h"

#include <gtest/gtest.h>

#include "model/leaf_tree.h"
#include "model/oracle.h"
#include "model/test_model.h"
#include "tensor/adamw.h"
#include "tensor/loss.h"

namespace cairn::model {
namespace {

constexpr std::uint64_t kGoldenGradientTied = 614990783431493005U;
constexpr std::uint64_t kGoldenGradientOwnHead = 18378801512328402235U;
constexpr std::int64_t kGoldenLoss = 5245115157;
constexpr std::uint64_t kGoldenStep = 2265246096087118581U;

ModelConfig tiny_config(bool tied) {
    return {.dim = 8,
            .hidden_dim = 12,
            .layers = 2,
            .heads = 2,
            .kv_heads = 1,
            .vocab = 11,
            .context = 8,
            .tied_head = tied,
            .rope_interleaved = !tied};
}

class GradientCheck : public testing::TestWithParam<bool> {};

TEST_P(GradientCheck, AgreesWithFiniteDifferences) {
    const ParameterLayout layout(tiny_config(GetParam()));
    const std::vector<float> flat = large_parameters(layout, 2);
    const auto tokens = random_tokens(1024, 11, 4);
    const auto targets = random_tokens(1024, 11, 5);
    const Machine machine(tensor::KernelSet::kReference, 1);
    LeafPass pass(layout, {.leaf_tokens = 1024, .context = 8}, machine.compute);
    std::vector<float> gradient(layout.size());
    const std::int64_t loss = pass.backward(view_weights(layout, flat), tokens, targets, gradient);

    const Oracle oracle(layout);
    std::vector<double> wide(flat.begin(), flat.end());
    EXPECT_NEAR(nats(loss, 1024), oracle.loss(wide, tokens, targets, 8) / 1024, 1e-6);
    constexpr double kStep = 1e-5;
    double largest = 0;
    for (const float g : gradient) largest = std::max(largest, std::abs(double{g}));
    // Every tensor is visited: steps of 7 pass through each of them.
    for (std::size_t i = 0; i < flat.size(); i += 7) {
        const double at = wide[i];
        wide[i] = at + kStep;
        const double above = oracle.loss(wide, tokens, targets, 8);
        wide[i] = at - kStep;
        const double below = oracle.loss(wide, tokens, targets, 8);
        wide[i] = at;
        EXPECT_NEAR(double{gradient[i]}, (above - below) / (2 * kStep), 2e-5 * largest) << i;
    }
}

INSTANTIATE_TEST_SUITE_P(TiedAndOwnHead, GradientCheck, testing::Bool());

struct Leaf {
    std::vector<float> gradient;
    std::int64_t loss;
};

Leaf compute_leaf(const ParameterLayout& layout, std::span<const float> flat,
                  const LeafShape& shape, const tensor::Compute& compute) {
    const auto tokens = random_tokens(shape.leaf_tokens, layout.config().vocab, 8);
    const auto targets = random_tokens(shape.leaf_tokens, layout.config().vocab, 9);
    LeafPass pass(layout, shape, compute);
    Leaf leaf{std::vector<float>(layout.size()), 0};
    leaf.loss = pass.backward(view_weights(layout, flat), tokens, targets, leaf.gradient);
    LeafPass loss_only(layout, shape, compute, false);
    EXPECT_EQ(loss_only.forward_loss(view_weights(layout, flat), tokens, targets), leaf.loss);
    return leaf;
}

TEST(LeafPass, EveryKernelSetThreadCountAndMicrobatchGivesTheGoldenBits) {
    for (const bool tied : {true, false}) {
        const ParameterLayout layout(small_config(tied));
        const std::vector<float> flat = large_parameters(layout, 5);
        for (const tensor::KernelSet set : tensor::available_kernel_sets()) {
            const bool slow =
                set == tensor::KernelSet::kReference || set == tensor::KernelSet::kScalar;
            for (const std::uint32_t microbatch : {256U, 512U, 1024U}) {
                if (slow && microbatch != 512) continue;
                const Machine machine(set, microbatch == 256 ? 1 : microbatch / 256 + 1);
                const Leaf leaf = compute_leaf(
                    layout, flat, {.leaf_tokens = 1024, .context = 128, .microbatch = microbatch},
                    machine.compute);
                EXPECT_EQ(bit_hash(leaf.gradient),
                          tied ? kGoldenGradientTied : kGoldenGradientOwnHead)
                    << tensor::kernel_set_name(set) << " microbatch " << microbatch;
                if (tied) {
                    EXPECT_EQ(leaf.loss, kGoldenLoss);
                }
            }
        }
    }
}

TEST(LeafPass, TiledLayoutHasTheSameGradientAndZeroPadding) {
    const ParameterLayout dense(small_config());
    const ParameterLayout tiled(small_config(), 4096);
    const std::vector<float> flat = large_parameters(dense, 5);
    std::vector<float> wide(tiled.size());
    copy_parameters(dense, flat, tiled, wide);
    const Machine machine(tensor::available_kernel_sets().back(), 1);
    const LeafShape shape{.leaf_tokens = 1024, .context = 128};
    const Leaf narrow_leaf = compute_leaf(dense, flat, shape, machine.compute);
    const Leaf wide_leaf = compute_leaf(tiled, wide, shape, machine.compute);
    std::vector<float> expected(tiled.size());
    copy_parameters(dense, narrow_leaf.gradient, tiled, expected);
    EXPECT_EQ(bit_hash(wide_leaf.gradient), bit_hash(expected));
    EXPECT_EQ(wide_leaf.loss, narrow_leaf.loss);
}

TEST(LeafPass, RemembersNothingOfTheLeafBefore) {
    const ParameterLayout layout(small_config());
    const std::vector<float> flat = large_parameters(layout, 5);
    const Weights weights = view_weights(layout, flat);
    const Machine machine(tensor::available_kernel_sets().back(), 1);
    const auto tokens = random_tokens(1024, 67, 8);
    const auto targets = random_tokens(1024, 67, 9);
    const auto others = random_tokens(1024, 67, 10);
    LeafPass pass(layout, {.leaf_tokens = 1024, .context = 128}, machine.compute);
    std::vector<float> first(layout.size());
    std::vector<float> second(layout.size());
    pass.backward(weights, tokens, targets, first);
    pass.backward(weights, others, tokens, second);
    EXPECT_NE(bit_hash(first), bit_hash(second));
    pass.backward(weights, tokens, targets, second);
    EXPECT_EQ(bit_hash(first), bit_hash(second));
}

TEST(LeafPass, TokenLossesDependOnNothingBehindThem) {
    const ParameterLayout layout(small_config());
    const std::vector<float> flat = large_parameters(layout, 5);
    const Machine machine(tensor::available_kernel_sets().back(), 1);
    auto tokens = random_tokens(256, 67, 8);
    auto targets = random_tokens(256, 67, 9);
    LeafPass pass(layout, {.leaf_tokens = 1024, .context = 128}, machine.compute, false);
    const Weights weights = view_weights(layout, flat);
    std::vector<float> first(256);
    pass.token_losses(weights, tokens, targets, first);
    for (std::size_t i = 200; i < 256; ++i) tokens[i] = targets[i] = 0;
    std::vector<float> second(256);
    pass.token_losses(weights, tokens, targets, second);
    EXPECT_EQ(bit_hash(std::span(first).first(200)), bit_hash(std::span(second).first(200)));
    EXPECT_EQ(pass.forward_loss(weights, tokens, targets), tensor::sum_losses_fixed(second));
}

TEST(LeafPass, OneOptimiserStepHasTheGoldenBits) {
    const ParameterLayout layout(small_config());
    for (const tensor::KernelSet set : tensor::available_kernel_sets()) {
        const Machine machine(set, 2);
        std::vector<float> flat = large_parameters(layout, 5);
        const Leaf leaf =
            compute_leaf(layout, flat, {.leaf_tokens = 1024, .context = 128}, machine.compute);
        std::vector<float> m(flat.size(), 0.0F);
        std::vector<float> v(flat.size(), 0.0F);
        const auto coefficients = tensor::adamw_coefficients({}, 1);
        for (const TensorInfo& info : layout.tensors())
            tensor::adamw_update(machine.compute, coefficients, info.is_matrix, info.size(),
                                 leaf.gradient.data() + info.offset, flat.data() + info.offset,
                                 m.data() + info.offset, v.data() + info.offset);
        EXPECT_EQ(bit_hash(flat), kGoldenStep) << tensor::kernel_set_name(set);
    }
}

TEST(LeafShape, RefusesWhatWouldChangeBits) {
    const ModelConfig config = small_config();
    const auto valid = [&](LeafShape shape) { return validate(shape, config).ok(); };
    EXPECT_TRUE(valid({1024, 128, 0}));
    EXPECT_TRUE(valid({1024, 256, 256}));
    EXPECT_FALSE(valid({1000, 8, 0}));
    EXPECT_FALSE(valid({512, 128, 0}));
    EXPECT_FALSE(valid({1024, 100, 0}));
    EXPECT_FALSE(valid({1024, 512, 0}));    // the model's context is 256
    EXPECT_FALSE(valid({1024, 128, 128}));  // cuts a chunk of N1
    EXPECT_FALSE(valid({1024, 128, 768}));  // does not divide the leaf
    EXPECT_FALSE(valid({2048, 8, 4096}));
}

TEST(LeafTree, AddsInAFixedBinaryTree) {
    // Values for which every other order of additions gives another sum.
    const std::vector<std::vector<float>> leaves{{1e8F}, {1.0F}, {-1e8F}, {3.0F}, {0.1F}, {0.7F}};
    std::vector<std::span<const float>> views(leaves.begin(), leaves.end());
    const float expected = ((1e8F + 1.0F) + (-1e8F + 3.0F)) + (0.1F + 0.7F);
    float sum = 0;
    combine_leaves(views, std::span(&sum, 1), 1);
    EXPECT_EQ(sum, expected);
    combine_leaves(views, std::span(&sum, 1), 6144);
    EXPECT_EQ(sum, expected * (1.0F / 6144.0F));
    combine_leaves(std::span(views).first(3), std::span(&sum, 1), 1);
    EXPECT_EQ(sum, (1e8F + 1.0F) + -1e8F);
}

}  // namespace
}  // namespace cairn::model
