// Proves on a real trained GPT-2-style model (3 layers of width 48 that sort letters) that every
// intermediate activation of a pass is within 1e-5 of what PyTorch gave, and that inference gives
// the same logits to the bit as the training pass whose activations are compared.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include <nlohmann/json.hpp>

#include "base/test_data.h"
#include "model/embed.h"
#include "model/layer_pass.h"
#include "model/test_model.h"
#include "model/transformer.h"
#include "tensor/bias.h"

namespace cairn::model {
namespace {

constexpr double kTolerance = 1e-5;
constexpr std::size_t kSequences = 3;

std::vector<float> from_base64(const std::string& text) {
    std::vector<std::uint8_t> bytes;
    std::uint32_t bits = 0;
    int count = 0;
    for (const char c : text) {
        std::uint32_t value = 0;
        if (c >= 'A' && c <= 'Z')
            value = static_cast<std::uint32_t>(c - 'A');
        else if (c >= 'a' && c <= 'z')
            value = static_cast<std::uint32_t>(c - 'a' + 26);
        else if (c >= '0' && c <= '9')
            value = static_cast<std::uint32_t>(c - '0' + 52);
        else if (c == '+' || c == '/')
            value = c == '+' ? 62 : 63;
        else
            break;
        bits = (bits << 6) | value;
        count += 6;
        if (count < 8) continue;
        count -= 8;
        bytes.push_back(static_cast<std::uint8_t>(bits >> count));
    }
    std::vector<float> values(bytes.size() / sizeof(float));
    std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
    return values;
}

class GptNano : public testing::Test {
  protected:
    void SetUp() override {
        const std::string model = read_test_data("gpt-nano-sort/gpt-nano-sort-model.json");
        const std::string partials = read_test_data("gpt-nano-sort/gpt-nano-sort-t0-partials.json");
        if (model.empty() || partials.empty())
            GTEST_SKIP() << "no gpt-nano-sort: set CAIRN_TEST_DATA";
        model_ = nlohmann::json::parse(model);
        partials_ = nlohmann::json::parse(partials);
        config_ = {.dim = 48,
                   .hidden_dim = 192,
                   .layers = 3,
                   .heads = 3,
                   .kv_heads = 3,
                   .vocab = 3,
                   .context = 11,
                   .tied_head = false};
        config_.norm = NormKind::kLayer;
        config_.positions = PositionKind::kLearned;
        config_.feed_forward = FeedForward::kGeluTanh;
        config_.qkv_bias = config_.out_bias = config_.ffn_bias = true;
        ASSERT_TRUE(validate(config_).ok());
        layout_ = std::make_unique<ParameterLayout>(config_);
        flat_.resize(layout_->size());
        read_weights();
    }

    std::vector<float> named(const std::string& name) const {
        return from_base64(model_.at(name).at("data").get<std::string>());
    }
    // Part `part` of `parts` of a tensor, which torch keeps as [out, in].
    void put(TensorKind kind, std::uint32_t layer, const std::string& name, std::size_t part = 0,
             std::size_t parts = 1) {
        const std::vector<float> values = named(name);
        const auto to = layout_->slice(std::span(flat_), kind, layer);
        ASSERT_EQ(values.size(), to.size() * parts) << name;
        std::copy_n(values.begin() + static_cast<std::ptrdiff_t>(part * to.size()), to.size(),
                    to.begin());
    }
    void read_weights() {
        using K = TensorKind;
        put(K::kTokenEmbedding, 0, "transformer.wte.weight");
        put(K::kPositionEmbedding, 0, "transformer.wpe.weight");
        put(K::kFinalNorm, 0, "transformer.ln_f.weight");
        put(K::kFinalNormBias, 0, "transformer.ln_f.bias");
        put(K::kHead, 0, "lm_head.weight");
        for (std::uint32_t l = 0; l < config_.layers; ++l) {
            const std::string h = "transformer.h." + std::to_string(l) + ".";
            put(K::kAttnNorm, l, h + "ln_1.weight");
            put(K::kAttnNormBias, l, h + "ln_1.bias");
            const K weights[] = {K::kWq, K::kWk, K::kWv};
            const K biases[] = {K::kBq, K::kBk, K::kBv};
            for (std::size_t i = 0; i < 3; ++i) {
                put(weights[i], l, h + "attn.c_attn.weight", i, 3);
                put(biases[i], l, h + "attn.c_attn.bias", i, 3);
            }
            put(K::kWo, l, h + "attn.c_proj.weight");
            put(K::kBo, l, h + "attn.c_proj.bias");
            put(K::kFfnNorm, l, h + "ln_2.weight");
            put(K::kFfnNormBias, l, h + "ln_2.bias");
            put(K::kWUp, l, h + "mlp.c_fc.weight");
            put(K::kBUp, l, h + "mlp.c_fc.bias");
            put(K::kWDown, l, h + "mlp.c_proj.weight");
            put(K::kBDown, l, h + "mlp.c_proj.bias");
        }
    }

    std::vector<float> stage(const std::string& name) const {
        return from_base64(partials_.at(name).at("data").get<std::string>());
    }
    void expect_stage(const std::string& name, std::span<const float> ours) {
        const std::vector<float> theirs = stage(name);
        ASSERT_EQ(theirs.size(), ours.size()) << name;
        double worst = 0;
        for (std::size_t i = 0; i < ours.size(); ++i)
            worst = std::max(worst, std::abs(double{ours[i]} - double{theirs[i]}));
        EXPECT_LE(worst, kTolerance) << name;
        ++stages_;
    }
    // [B, T, heads * d] as torch has it: [B, heads, T, d].
    std::vector<float> by_heads(std::span<const float> rows) const {
        const std::size_t T = config_.context;
        const std::size_t d = config_.head_dim();
        std::vector<float> out;
        for (std::size_t b = 0; b < kSequences; ++b)
            for (std::size_t h = 0; h < config_.heads; ++h)
                for (std::size_t t = 0; t < T; ++t)
                    for (std::size_t i = 0; i < d; ++i)
                        out.push_back(rows[((b * T + t) * config_.heads + h) * d + i]);
        return out;
    }
    void expect_attention(const LayerActivations& kept);

    nlohmann::json model_, partials_;
    ModelConfig config_;
    std::unique_ptr<ParameterLayout> layout_;
    std::vector<float> flat_;
    int stages_ = 0;
};

// Scores and probabilities, which nobody keeps, from what the pass kept.
void GptNano::expect_attention(const LayerActivations& kept) {
    const std::size_t T = config_.context;
    const std::size_t d = config_.head_dim();
    const std::vector<float> q = by_heads(kept.query);
    const std::vector<float> k = by_heads(kept.key);
    const std::vector<float> scores = stage("att");
    const std::vector<float> probabilities = stage("attSm");
    for (std::size_t line = 0; line < kSequences * config_.heads; ++line)
        for (std::size_t i = 0; i < T; ++i)
            for (std::size_t j = 0; j <= i; ++j) {
                double s = 0;
                for (std::size_t c = 0; c < d; ++c)
                    s += double{q[(line * T + i) * d + c]} * double{k[(line * T + j) * d + c]};
                s /= std::sqrt(static_cast<double>(d));
                const std::size_t token = line / config_.heads * T + i;
                const std::size_t stat = token * config_.heads + line % config_.heads;
                const double p =
                    std::exp(s - double{kept.softmax_max[stat]}) / double{kept.softmax_sum[stat]};
                EXPECT_NEAR(double{scores[(line * T + i) * T + j]}, s, kTolerance);
                EXPECT_NEAR(double{probabilities[(line * T + i) * T + j]}, p, kTolerance);
            }
}

TEST_F(GptNano, EveryActivationIsWithin1em5) {
    const std::size_t T = config_.context;
    const std::size_t n = kSequences * T;
    const Machine machine(tensor::available_kernel_sets().back(), 1);
    const Weights weights = view_weights(*layout_, flat_);
    std::vector<std::uint32_t> tokens;
    for (const float id : stage("idx")) tokens.push_back(static_cast<std::uint32_t>(id));
    ASSERT_EQ(tokens.size(), n);

    const LayerGraph graph{config_, machine.compute};
    std::vector<float> hidden(n * config_.dim);
    std::vector<float> row(config_.dim);
    const tensor::Matrix x(hidden.data(), n, config_.dim);
    embed_tokens(graph, weights, {}, tokens, {0, T}, row, x);
    expect_stage("x", hidden);

    const RopeTables no_rope;
    const LayerContext context{config_, machine.compute, no_rope, T};
    LayerScratch scratch(config_, n, false);
    LayerActivations first(config_, n);
    layer_forward(context, weights.layers[0], first, scratch, x);
    expect_stage("ln1", first.attn_input);
    expect_stage("q", by_heads(first.query));
    expect_stage("k", by_heads(first.key));
    expect_stage("v", by_heads(first.value));
    expect_attention(first);
    expect_stage("y", first.attn_output);
    std::vector<float> projected(n * config_.dim);
    const tensor::Matrix y(projected.data(), n, config_.dim);
    tensor::matmul_nt(machine.compute,
                      tensor::ConstMatrix(first.attn_output.data(), n, config_.dim),
                      weights.layers[0].wo, y);
    tensor::add_bias(machine.compute, floats(weights.layers[0].bo), y);
    expect_stage("yProj", projected);
    expect_stage("attnResid", first.ffn_norm_input);
    expect_stage("ln2", first.ffn_input);
    expect_stage("fc", first.up);
    expect_stage("gelu", first.activated);
    expect_stage("mlp", scratch.branch);
    expect_stage("mlpResid", hidden);
    expect_stage("block0", hidden);
    LayerActivations other(config_, n);
    layer_forward(context, weights.layers[1], other, scratch, x);
    expect_stage("block1", hidden);
    layer_forward(context, weights.layers[2], other, scratch, x);
    expect_stage("block2", hidden);

    Transformer transformer(config_, weights, all_layers(config_), machine.compute,
                            {.max_batch = n});
    std::vector<float> logits(n * config_.vocab);
    transformer.head(hidden, logits);
    expect_stage("lm_head", logits);
    transformer.finish(hidden);
    expect_stage("ln_f", hidden);
    const std::vector<float> probabilities = stage("probs");
    for (std::size_t t = 0; t < n; ++t) {
        double total = 0;
        for (std::size_t i = 0; i < 3; ++i) total += std::exp(double{logits[t * 3 + i]});
        for (std::size_t i = 0; i < 3; ++i)
            EXPECT_NEAR(std::exp(double{logits[t * 3 + i]}) / total,
                        double{probabilities[t * 3 + i]}, kTolerance);
    }
    EXPECT_EQ(stages_, 18);

    // Inference, token by token, gives the bits of the pass above.
    for (std::size_t b = 0; b < kSequences; ++b) {
        KvCache cache(config_, all_layers(config_), T);
        std::vector<float> state(config_.dim);
        std::vector<float> z(config_.vocab);
        for (std::size_t t = 0; t < T; ++t) {
            transformer.embed(std::span(tokens).subspan(b * T + t, 1), t, state);
            transformer.forward(state, cache);
            transformer.head(state, z);
            EXPECT_EQ(bit_hash(z), bit_hash(std::span(logits).subspan((b * T + t) * 3, 3)));
        }
    }
}

}  // namespace
}  // namespace cairn::model
