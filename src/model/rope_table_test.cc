// Proves that every number of a model's RoPE scaling reaches the table that its layers rotate by,
// and that a configuration which no table can be made of is refused.
#include <gtest/gtest.h>

#include "model/layer.h"
#include "model/rope_scale.h"
#include "tensor/rope.h"

namespace cairn::model {
namespace {

constexpr std::size_t kPositions = 40;

ModelConfig config_with(const RopeScale& scale) {
    ModelConfig config{.dim = 64,
                       .hidden_dim = 64,
                       .layers = 1,
                       .heads = 2,
                       .kv_heads = 2,
                       .vocab = 8,
                       .context = 64};
    config.rope_scale = scale;
    return config;
}

void expect_table(const RopeScale& scale, const tensor::RopeScaling& meant) {
    const ModelConfig config = config_with(scale);
    const tensor::RopeTable table = rope_tables(config, kPositions).global;
    const tensor::RopeTable expected = tensor::make_rope_table(
        tensor::scaled_rope_frequencies(32, static_cast<double>(config.rope_theta), meant),
        kPositions, tensor::rope_attention_factor(meant));
    EXPECT_EQ(table.cos, expected.cos);
    EXPECT_EQ(table.sin, expected.sin);
}

// No number is its default or another's.
TEST(RopeTable, EveryNumberOfAScalingCounts) {
    tensor::RopeScaling linear;
    linear.kind = tensor::RopeScaling::Kind::kLinear;
    linear.factor = 3.0;
    expect_table(linear_rope_scale(3.0F), linear);

    tensor::RopeScaling llama3;
    llama3.kind = tensor::RopeScaling::Kind::kLlama3;
    llama3.factor = 6.0;
    llama3.low_freq_factor = 1.5;
    llama3.high_freq_factor = 5.0;
    llama3.original_positions = 48;
    expect_table(llama3_rope_scale(6.0F, 1.5F, 5.0F, 48), llama3);

    tensor::RopeScaling yarn;
    yarn.kind = tensor::RopeScaling::Kind::kYarn;
    yarn.factor = 5.0;
    yarn.original_positions = 2048;
    yarn.beta_fast = 24.0;
    yarn.beta_slow = 2.0;
    yarn.attention_factor = 1.25;
    expect_table(yarn_rope_scale(5.0F, 2048, 24.0F, 2.0F, 1.25F), yarn);
}

// A test of the test: the numbers chosen above do change the table.
TEST(RopeTable, NoTwoScalingsAreAlike) {
    const RopeScale scales[] = {
        {},
        linear_rope_scale(3.0F),
        llama3_rope_scale(6.0F, 1.5F, 5.0F, 48),
        llama3_rope_scale(6.0F, 1.0F, 5.0F, 48),
        llama3_rope_scale(6.0F, 1.5F, 4.0F, 48),
        llama3_rope_scale(6.0F, 1.5F, 5.0F, 96),
        yarn_rope_scale(5.0F, 2048, 24.0F, 2.0F, 1.25F),
        yarn_rope_scale(5.0F, 2048, 48.0F, 2.0F, 1.25F),
        yarn_rope_scale(5.0F, 2048, 24.0F, 1.0F, 1.25F),
        yarn_rope_scale(5.0F, 2048, 24.0F, 2.0F, 1.5F),
        yarn_rope_scale(5.0F, 4096, 24.0F, 2.0F, 1.25F),
    };
    std::vector<std::vector<float>> tables;
    for (const RopeScale& scale : scales) {
        tables.push_back(rope_tables(config_with(scale), kPositions).global.cos);
        for (std::size_t i = 0; i + 1 < tables.size(); ++i)
            EXPECT_NE(tables.back(), tables[i]) << i << " and " << tables.size() - 1;
    }
}

// A file may say anything; the formulas CHECK what they are given.
TEST(RopeTable, AConfigurationThatTheFormulasCannotTakeIsRefused) {
    EXPECT_TRUE(validate(config_with(yarn_rope_scale(4.0F, 64, 2.0F, 2.0F))).ok());
    EXPECT_FALSE(validate(config_with(yarn_rope_scale(4.0F, 64, 1.0F, 2.0F))).ok());
    EXPECT_TRUE(validate(config_with(llama3_rope_scale(8.0F, 1.0F, 1.01F, 64))).ok());
    EXPECT_FALSE(validate(config_with(llama3_rope_scale(8.0F, 1.0F, 1.0001F, 64))).ok());
}

}  // namespace
}  // namespace cairn::model
