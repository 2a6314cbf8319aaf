// Proves that the gradient of every family that can be trained is the derivative of its loss
// (against finite differences of the double-precision model), that microbatches, threads and
// kernel sets change no bit of it, and that encoders are refused; pins gradient and one optimiser
// step by golden hashes.
#include <gtest/gtest.h>

#include "model/leaf.h"
#include "model/oracle.h"
#include "model/test_families.h"
#include "model/test_golden.h"
#include "tensor/adamw.h"

namespace cairn::model {
namespace {

// The same family, small enough for finite differences.
ModelConfig tiny(ModelConfig config) {
    config.dim = 8;
    config.hidden_dim = 12;
    config.heads = 2;
    config.kv_heads = config.kv_heads < 4 ? 1 : 2;
    config.vocab = 11;
    config.context = 8;
    if (config.explicit_head_dim != 0) config.explicit_head_dim = 6;
    if (config.window != 0) config.window = 3;
    return config;
}

// Also what no family above has: a norm of the embeddings and segments under a causal model.
std::vector<Family> trainable() {
    std::vector<Family> all = causal_families();
    Family more = all[2];
    more.name = "gpt2-more";
    more.config.embedding_norm = true;
    more.config.token_types = 2;
    more.config.feed_forward = FeedForward::kGelu;
    all.push_back(more);
    return all;
}

TEST(FamilyTraining, GradientsAgreeWithFiniteDifferences) {
    for (const Family& family : trainable()) {
        const ParameterLayout layout(tiny(family.config));
        const std::vector<float> flat = large_parameters(layout, 2);
        const auto tokens = random_tokens(1024, 11, 4);
        const auto targets = random_tokens(1024, 11, 5);
        const Machine machine(tensor::available_kernel_sets().back(), 1);
        LeafPass pass(layout, {.leaf_tokens = 1024, .context = 8}, machine.compute);
        std::vector<float> gradient(layout.size());
        const std::int64_t loss =
            pass.backward(view_weights(layout, flat), tokens, targets, gradient);

        const Oracle oracle(layout);
        std::vector<double> wide(flat.begin(), flat.end());
        EXPECT_NEAR(nats(loss, 1024), oracle.loss(wide, tokens, targets, 8) / 1024, 1e-6)
            << family.name;
        constexpr double kStep = 1e-5;
        double largest = 0;
        for (const float g : gradient) largest = std::max(largest, std::abs(double{g}));
        for (const TensorInfo& info : layout.tensors()) {
            // Every tensor is visited, the small ones whole.
            const std::size_t stride = info.size() > 24 ? 11 : 1;
            for (std::size_t i = info.offset; i < info.offset + info.size(); i += stride) {
                const double at = wide[i];
                wide[i] = at + kStep;
                const double above = oracle.loss(wide, tokens, targets, 8);
                wide[i] = at - kStep;
                const double below = oracle.loss(wide, tokens, targets, 8);
                wide[i] = at;
                EXPECT_NEAR(double{gradient[i]}, (above - below) / (2 * kStep), 3e-5 * largest)
                    << family.name << ' ' << info.name << ' ' << i - info.offset;
            }
        }
    }
}

// A leaf's gradient, and the parameters after one optimiser step with it.
const GoldenHashes& golden() {
    static const GoldenHashes hashes = {
        {"gradient.llama", 3335120136456912260U},     {"step.llama", 14990566100959165805U},
        {"gradient.qwen", 11876100069600771709U},     {"step.qwen", 64415408496771181U},
        {"gradient.gpt2", 6738999964071932129U},      {"step.gpt2", 7974183397981503242U},
        {"gradient.original", 11874050658852344808U}, {"step.original", 17652922393431096536U},
        {"gradient.gemma", 12337624764323086286U},    {"step.gemma", 14157238633067816755U},
        {"gradient.gpt2-more", 2101183672552013095U}, {"step.gpt2-more", 12494122847167470394U},
    };
    return hashes;
}

std::vector<float> optimiser_step(const ParameterLayout& layout, std::vector<float> flat,
                                  const std::vector<float>& gradient,
                                  const tensor::Compute& compute) {
    std::vector<float> m(flat.size(), 0.0F), v(flat.size(), 0.0F);
    const auto coefficients = tensor::adamw_coefficients({}, 1);
    for (const TensorInfo& info : layout.tensors())
        tensor::adamw_update(compute, coefficients, info.is_matrix, info.size(),
                             gradient.data() + info.offset, flat.data() + info.offset,
                             m.data() + info.offset, v.data() + info.offset);
    return flat;
}

TEST(FamilyTraining, EveryMicrobatchGivesTheGoldenBits) {
    on_golden_machines([](const Machine& machine) {
        const tensor::KernelSet set = tensor::kernel_set_of(*machine.compute.kernels);
        const bool slow = set == tensor::KernelSet::kReference || set == tensor::KernelSet::kScalar;
        for (const Family& family : trainable()) {
            const ParameterLayout layout(family.config);
            const std::vector<float> flat = large_parameters(layout, 5);
            const auto tokens = random_tokens(1024, family.config.vocab, 8);
            const auto targets = random_tokens(1024, family.config.vocab, 9);
            std::vector<float> gradient(layout.size()), other(layout.size());
            const auto leaf = [&](std::uint32_t microbatch, std::span<float> result) {
                LeafPass pass(layout,
                              {.leaf_tokens = 1024, .context = 64, .microbatch = microbatch},
                              machine.compute);
                pass.backward(view_weights(layout, flat), tokens, targets, result);
            };
            leaf(256, gradient);
            expect_golden(machine, golden(), "gradient." + family.name, bit_hash(gradient));
            expect_golden(machine, golden(), "step." + family.name,
                          bit_hash(optimiser_step(layout, flat, gradient, machine.compute)));
            if (slow) continue;
            leaf(1024, other);
            EXPECT_EQ(bit_hash(other), bit_hash(gradient)) << family.name;
        }
    });
}

TEST(FamilyTraining, EncodersAreRefused) {
    const Status status =
        validate(LeafShape{.leaf_tokens = 1024, .context = 64}, families().back().config);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code, ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace cairn::model
