// Proves that the laboratory's heads are the model's, that honest proofs are accepted by any number
// of Verifiers, and that each cheat it plays is refused.
#include "lab/attention_proof.h"

#include <gtest/gtest.h>

#include "lab/model_heads.h"
#include "model/layer_pass.h"
#include "model/test_model.h"
#include "model/transformer.h"
#include "tensor/digits.h"

namespace cairn::lab {
namespace {

TEST(AttentionProof, IsAcceptedByAnyNumberOfVerifiers) {
    SeededRandom random(5);
    const SystemClock clock;
    const auto cost = measure_attention_proof(drawn_head(40, 16, random), clock).value();
    EXPECT_TRUE(cost.accepted);
    EXPECT_EQ(cost.shares.size(), std::size(kProofVerifiers));
    EXPECT_EQ(cost.digit_bytes, 6U * 40 * 41 / 2);
    EXPECT_GT(cost.proof_bytes, 0U);
}

TEST(AttentionProof, EveryCheatIsRefused) {
    SeededRandom random(6);
    const auto cheats = play_attention_cheats(drawn_head(12, 16, random)).value();
    EXPECT_GE(cheats.size(), 10U);
    for (const AttentionCheat& cheat : cheats)
        EXPECT_TRUE(cheat.refused) << cheat.cheat << ": " << cheat.verdict;
}

TEST(ModelHeads, AreThoseOfTheCache) {
    const model::Model model = model::make_model(
        model::small_config(),
        model::large_parameters(model::ParameterLayout(model::small_config()), 5));
    const model::Machine machine(tensor::available_kernel_sets().back(), 1);
    const model::ModelConfig& config = model.config;
    const auto tokens = model::random_tokens(20, config.vocab, 3);
    model::Transformer transformer(config, model.weights, model::all_layers(config),
                                   machine.compute);
    model::KvCache cache(config, model::all_layers(config), 20, model::KvType::kDigits);
    std::vector<float> hidden(tokens.size() * config.dim);
    transformer.embed(tokens, 0, hidden);
    transformer.forward(hidden, cache);

    std::uint32_t seen = 0;
    const Status status = each_model_head(model, tokens, machine.compute, [&](const ModelHead& h) {
        EXPECT_EQ(h.layer * config.heads + h.head, seen++);
        const std::uint32_t d = config.head_dim();
        EXPECT_EQ(h.statement.sizes, (argument::Sizes{20, d, 0}));
        if (h.layer > 0) return ok_status();  // whose states attention by digits has changed
        const std::size_t first = h.head / (config.heads / config.kv_heads) * d;
        const tensor::KvRows keys = cache.keys(0, 20), values = cache.values(0, 20);
        for (std::size_t row = 0; row < 20; ++row)
            for (std::size_t c = 0; c < d; ++c) {
                const std::size_t at = row * keys.stride + first + c;
                EXPECT_EQ(h.statement.keys[row * d + c],
                          static_cast<const std::int16_t*>(keys.data)[at]);
                EXPECT_EQ(h.statement.values[row * d + c],
                          static_cast<const std::int16_t*>(values.data)[at]);
            }
        return ok_status();
    });
    EXPECT_TRUE(status.ok());
    EXPECT_EQ(seen, config.layers * config.heads);
    EXPECT_FALSE(each_model_head(model, {}, machine.compute, {}).ok());
}

// Queries, values and windows are right if the statement's sums are what the layer's own attention
// gave, in fp32, for a model that has layers with a window and layers without.
TEST(ModelHeads, AttendAsTheModelDoes) {
    const model::Machine machine(tensor::available_kernel_sets().back(), 1);
    model::ModelConfig config = model::small_config();
    config.window = 6;
    config.window_period = 3;
    config.local_rope_theta = 100.0F;
    ASSERT_TRUE(model::validate(config).ok());
    const model::Model model =
        model::make_model(config, model::large_parameters(model::ParameterLayout(config), 5));
    constexpr std::size_t kRows = 20;
    const auto tokens = model::random_tokens(kRows, config.vocab, 3);
    std::vector<float> hidden(kRows * config.dim);
    model::Transformer transformer(config, model.weights, model::all_layers(config),
                                   machine.compute);
    transformer.embed(tokens, 0, hidden);
    const model::RopeTables ropes = model::rope_tables(config, kRows);
    model::LayerActivations kept(config, kRows);
    model::LayerScratch scratch(config, kRows, false);
    std::uint32_t done = 0;
    const Status status = each_model_head(model, tokens, machine.compute, [&](const ModelHead& h) {
        if (h.layer == done) {
            model::layer_forward({config, machine.compute, ropes, kRows, done++},
                                 model.weights.layers[h.layer], kept, scratch,
                                 {hidden.data(), kRows, config.dim});
        }
        EXPECT_EQ(h.statement.sizes.window, config.is_local(h.layer) ? 6U : 0U);
        const std::uint32_t d = config.head_dim();
        for (std::size_t row = 0; row < kRows; ++row)
            for (std::size_t c = 0; c < d; ++c)
                EXPECT_NEAR(tensor::digit_output(h.statement.sums[row * d + c]),
                            kept.attn_output[row * config.q_dim() + h.head * d + c], 0.02)
                    << h.layer << ' ' << h.head << ' ' << row;
        return ok_status();
    });
    EXPECT_TRUE(status.ok());
    EXPECT_EQ(done, config.layers);
}

}  // namespace
}  // namespace cairn::lab
