// Proves that config.json carries which matrices are factors, and that ranks which are not what
// they should be are refused by name.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "formats/hf_config.h"

namespace cairn::formats {
namespace {

using nlohmann::json;

model::ModelConfig factored() {
    model::ModelConfig config{.dim = 32,
                              .hidden_dim = 64,
                              .layers = 2,
                              .heads = 4,
                              .kv_heads = 2,
                              .vocab = 61,
                              .context = 64,
                              .rope_interleaved = false};
    config.ranks = {{3, 3, 0, 3, 9, 9, 9}, {0, 0, 0, 0, 5, 0, 0}};
    config.per_head = true;
    return config;
}

json rendered() {
    return json::parse(
        render_hf_config(factored(), HfFamily::kLlama, {}, tensor::WeightType::kF32));
}

TEST(LowRankConfig, RoundTripsUnderATypeThatOthersRefuse) {
    const json object = rendered();
    EXPECT_EQ(object["model_type"], "cairn_low_rank");
    EXPECT_EQ(object["base_model_type"], "llama");
    const auto back = parse_hf_config(object.dump());
    ASSERT_TRUE(back.ok()) << back.error().message;
    EXPECT_EQ(back->config, factored());
    EXPECT_EQ(back->family, HfFamily::kLlama);
}

TEST(LowRankConfig, WhatIsNoListOfRanksIsRefused) {
    const auto refused = [](const auto& change) {
        json object = rendered();
        change(object);
        return !parse_hf_config(object.dump()).ok();
    };
    EXPECT_TRUE(refused([](json& o) { o.erase("low_rank"); }));
    EXPECT_TRUE(refused([](json& o) { o["low_rank"] = 3; }));
    EXPECT_TRUE(refused([](json& o) { o["low_rank"].erase("ranks"); }));
    EXPECT_TRUE(refused([](json& o) { o["low_rank"]["ranks"].erase(1); }));
    EXPECT_TRUE(refused([](json& o) { o["low_rank"]["ranks"][0].erase(1); }));
    EXPECT_TRUE(refused([](json& o) { o["low_rank"]["ranks"][0][1] = -1; }));
    EXPECT_TRUE(refused([](json& o) { o["low_rank"]["ranks"][0][1] = 65536; }));
    EXPECT_TRUE(refused([](json& o) { o["low_rank"]["ranks"][0][1] = "3"; }));
    EXPECT_TRUE(refused([](json& o) { o["low_rank"]["ranks"][0][1] = 9; }));  // of a head of 8
    EXPECT_TRUE(refused([](json& o) { o["base_model_type"] = "cairn_low_rank"; }));
    EXPECT_TRUE(refused([](json& o) { o.erase("base_model_type"); }));
}

TEST(LowRankConfig, GptTwoNeedsAllOfItsFusedMatrixOrNone) {
    model::ModelConfig gpt2 = factored();
    gpt2.rope_interleaved = true;
    gpt2.kv_heads = 4;
    gpt2.norm = model::NormKind::kLayer;
    gpt2.positions = model::PositionKind::kLearned;
    gpt2.feed_forward = model::FeedForward::kGeluTanh;
    gpt2.qkv_bias = gpt2.out_bias = gpt2.ffn_bias = true;
    gpt2.ranks = {{3, 3, 0, 3, 0, 9, 9}, {0, 0, 0, 0, 0, 5, 0}};
    EXPECT_FALSE(hf_family_of(gpt2).ok());
    gpt2.ranks[0][2] = 3;
    EXPECT_EQ(hf_family_of(gpt2).value(), HfFamily::kGpt2);
}

}  // namespace
}  // namespace cairn::formats
