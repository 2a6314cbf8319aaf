// Proves that a configuration has one spelling, that shapes we cannot compute are refused, and that
// the parameter layout is dense, ordered and padded as documented.
#include "model/config.h"

#include <gtest/gtest.h>

#include <limits>

#include "model/layout.h"
#include "model/test_model.h"

namespace cairn::model {
namespace {

TEST(ModelConfig, RoundTrips) {
    for (const bool tied : {false, true}) {
        const ModelConfig config = small_config(tied);
        Writer writer;
        encode(config, writer);
        Reader reader(writer.out());
        EXPECT_EQ(decode_config(reader).value(), config);
        EXPECT_TRUE(reader.finish().ok());
        for (std::size_t size = 0; size < writer.out().size(); ++size) {
            Reader cut(ByteView(writer.out()).first(size));
            EXPECT_FALSE(decode_config(cut).ok()) << size;
        }
    }
}

/// One configuration of each family, with everything set that can be.
std::vector<ModelConfig> families() {
    ModelConfig gpt2 = small_config();
    gpt2.rope_interleaved = true;
    gpt2.norm = NormKind::kLayer;
    gpt2.positions = PositionKind::kLearned;
    gpt2.feed_forward = FeedForward::kGeluTanh;
    gpt2.qkv_bias = gpt2.out_bias = gpt2.ffn_bias = true;
    ModelConfig qwen = small_config(false);
    qwen.qkv_bias = qwen.qk_norm = true;
    qwen.explicit_head_dim = 10;
    qwen.rope_scale = {RopeScalingKind::kYarn, 4.0F, 0, 0, 32.0F, 1.0F, 1.1386F, 128};
    ModelConfig bert = gpt2;
    bert.norm_position = NormPosition::kPost;
    bert.feed_forward = FeedForward::kGelu;
    bert.causal = false;
    bert.embedding_norm = true;
    bert.token_types = 2;
    ModelConfig long_llama = small_config();
    long_llama.rope_scale = {RopeScalingKind::kLlama3, 8.0F, 1.0F, 4.0F, 0, 0, 0, 8192};
    ModelConfig gemma = small_config();
    gemma.norm_position = NormPosition::kBoth;
    gemma.feed_forward = FeedForward::kGeglu;
    gemma.qk_norm = gemma.scaled_embedding = true;
    gemma.explicit_head_dim = 32;
    gemma.window = 100;
    gemma.window_period = 3;
    gemma.local_rope_theta = 500.0F;
    return {gpt2, qwen, bert, long_llama, gemma};
}

TEST(ModelConfig, RoundTripsEveryFamilyInOneSpelling) {
    for (const ModelConfig& config : families()) {
        ASSERT_TRUE(validate(config).ok()) << validate(config).error().message;
        Writer writer;
        encode(config, writer);
        EXPECT_EQ(writer.out().size(), config.window == 0 ? 76U : 88U);
        Reader reader(writer.out());
        EXPECT_EQ(decode_config(reader).value(), config);
        // What a flipped bit decodes to, if anything, is another shape with its own spelling.
        for (std::size_t bit = 0; bit < writer.out().size() * 8; ++bit) {
            Bytes bytes = writer.out();
            bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ (1U << (bit % 8)));
            Reader flipped(bytes);
            const auto other = decode_config(flipped);
            if (!other.ok()) continue;
            Writer again;
            encode(*other, again);
            bytes.resize(bytes.size() - flipped.remaining());
            EXPECT_EQ(again.out(), bytes) << bit;
        }
    }
}

// Five bytes behind those of the model that it would be without, taken where they are asked for.
TEST(ModelConfig, CrossAttentionHasASpellingOfItsOwn) {
    for (ModelConfig config : {families()[0], small_config()}) {
        config.cross_context = 300;
        config.head_bias = config.norm == NormKind::kLayer;
        Writer writer;
        encode(config, writer);
        EXPECT_EQ(writer.out().size(), 81U);
        Reader reader(writer.out());
        EXPECT_EQ(decode_config(reader, Crossing::kTaken).value(), config);
        EXPECT_TRUE(reader.finish().ok());
        Reader alone(writer.out());
        EXPECT_EQ(decode_config(alone).error().code, ErrorCode::kUnsupported);
        for (std::size_t size = 0; size < writer.out().size(); ++size) {
            Reader cut(ByteView(writer.out()).first(size));
            EXPECT_FALSE(decode_config(cut, Crossing::kTaken).ok()) << size;
        }
        for (std::size_t bit = 0; bit < writer.out().size() * 8; ++bit) {
            Bytes bytes = writer.out();
            bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ (1U << (bit % 8)));
            Reader flipped(bytes);
            const auto other = decode_config(flipped, Crossing::kTaken);
            if (!other.ok()) continue;
            Writer again;
            encode(*other, again);
            bytes.resize(bytes.size() - flipped.remaining());
            EXPECT_EQ(again.out(), bytes) << bit;
        }
        const ParameterLayout layout(config);
        EXPECT_EQ(layout.at(TensorKind::kCrossWk, 1).name, "layers.1.cross_wk");
        EXPECT_TRUE(layout.at(TensorKind::kCrossWo).is_matrix);
        EXPECT_EQ(layout.has(TensorKind::kCrossBq), config.qkv_bias);
        EXPECT_EQ(layout.has(TensorKind::kHeadBias), config.head_bias);
    }
}

TEST(ParameterLayout, HasWhatTheFamilyHas) {
    const std::vector<ModelConfig> all = families();
    const ParameterLayout gpt2(all[0]);
    EXPECT_TRUE(gpt2.has(TensorKind::kPositionEmbedding));
    EXPECT_TRUE(gpt2.has(TensorKind::kFinalNormBias));
    EXPECT_FALSE(gpt2.has(TensorKind::kWGate));
    EXPECT_EQ(gpt2.at(TensorKind::kBUp, 1).name, "layers.1.b_up");
    EXPECT_FALSE(gpt2.at(TensorKind::kBUp, 1).is_matrix);
    const ParameterLayout qwen(all[1]);
    EXPECT_EQ(qwen.at(TensorKind::kWq, 2).rows, 60U);
    EXPECT_EQ(qwen.at(TensorKind::kWo, 2).cols, 60U);
    EXPECT_EQ(qwen.at(TensorKind::kQNorm, 0).cols, 10U);
    EXPECT_FALSE(qwen.has(TensorKind::kBo));
    const ParameterLayout bert(all[2]);
    EXPECT_FALSE(bert.has(TensorKind::kFinalNorm));
    EXPECT_FALSE(bert.has(TensorKind::kHead));
    EXPECT_EQ(bert.at(TensorKind::kTypeEmbedding).rows, 2U);
    const ParameterLayout gemma(all[4]);
    EXPECT_EQ(gemma.at(TensorKind::kAttnPostNorm, 2).name, "layers.2.attn_post_norm");
    EXPECT_EQ(gemma.at(TensorKind::kFfnPostNorm, 1).cols, 48U);
    EXPECT_TRUE(gemma.has(TensorKind::kWGate) && gemma.has(TensorKind::kFinalNorm));
    EXPECT_FALSE(qwen.has(TensorKind::kFfnPostNorm));
    for (const ModelConfig& config : all) {
        const ParameterLayout layout(config);
        std::uint64_t next = 0;
        for (const TensorInfo& info : layout.tensors()) {
            EXPECT_EQ(info.offset, next);
            EXPECT_EQ(&layout.at(info.kind, info.layer), &info);
            next += info.size();
        }
        EXPECT_EQ(layout.size(), next);
    }
}

TEST(ModelConfig, RefusesUnknownFlags) {
    Writer writer;
    encode(small_config(), writer);
    Bytes bytes = writer.out();
    bytes.back() = 8;
    Reader reader(bytes);
    EXPECT_FALSE(decode_config(reader).ok());
}

TEST(ModelConfig, RefusesShapesOutOfBounds) {
    const auto refused = [](auto change) {
        ModelConfig config = small_config();
        change(config);
        return !validate(config).ok();
    };
    EXPECT_FALSE(refused([](ModelConfig&) {}));
    EXPECT_TRUE(refused([](ModelConfig& c) { c.dim = 0; }));
    EXPECT_TRUE(refused([](ModelConfig& c) { c.dim = kMaxDim + 2; }));
    EXPECT_TRUE(refused([](ModelConfig& c) { c.heads = 0; }));
    EXPECT_TRUE(refused([](ModelConfig& c) { c.heads = 5; }));
    EXPECT_TRUE(refused([](ModelConfig& c) { c.heads = c.kv_heads = 16; }));  // head of 3
    EXPECT_TRUE(refused([](ModelConfig& c) { c.kv_heads = 4; }));
    EXPECT_TRUE(refused([](ModelConfig& c) { c.kv_heads = 0; }));
    EXPECT_TRUE(refused([](ModelConfig& c) { c.layers = kMaxLayers + 1; }));
    EXPECT_TRUE(refused([](ModelConfig& c) { c.vocab = 1; }));
    EXPECT_TRUE(refused([](ModelConfig& c) { c.context = 0; }));
    EXPECT_TRUE(refused([](ModelConfig& c) { c.hidden_dim = 0; }));
    EXPECT_TRUE(refused([](ModelConfig& c) { c.explicit_head_dim = 8; }));  // is dim / heads
    EXPECT_TRUE(refused([](ModelConfig& c) { c.explicit_head_dim = 7; }));
    EXPECT_TRUE(refused([](ModelConfig& c) { c.norm = static_cast<NormKind>(2); }));
    EXPECT_TRUE(refused([](ModelConfig& c) { c.rope_scale.factor = 2.0F; }));  // of no kind
    EXPECT_TRUE(refused([](ModelConfig& c) { c.window_period = 2; }));         // of no window
    EXPECT_TRUE(refused([](ModelConfig& c) { c.head_bias = true; }));  // without cross attention
    EXPECT_FALSE(refused([](ModelConfig& c) { c.cross_context = 9; }));
    EXPECT_TRUE(refused([](ModelConfig& c) { c.cross_context = kMaxContext + 1; }));
    EXPECT_TRUE(refused([](ModelConfig& c) { c.cross_context = 9, c.causal = false; }));
    EXPECT_TRUE(refused([](ModelConfig& c) { c.cross_context = 9, c.qk_norm = true; }));
    EXPECT_TRUE(refused([](ModelConfig& c) {
        c.cross_context = 9;
        c.norm_position = NormPosition::kBoth;
    }));
    EXPECT_TRUE(refused([](ModelConfig& c) {
        c.cross_context = 9;
        c.ranks.assign(c.layers, {1, 1, 1, 1, 1, 1, 1});
    }));
    const auto windowed = [](ModelConfig& c) {
        c.window = 9;
        c.window_period = 2;
        c.local_rope_theta = 1e4F;
    };
    EXPECT_FALSE(refused(windowed));
    EXPECT_TRUE(refused([&](ModelConfig& c) { windowed(c), c.window_period = 1; }));
    EXPECT_TRUE(refused([&](ModelConfig& c) { windowed(c), c.local_rope_theta = 0.0F; }));
    EXPECT_TRUE(refused([&](ModelConfig& c) { windowed(c), c.causal = false; }));
    EXPECT_TRUE(refused([](ModelConfig& c) {
        c.norm = NormKind::kLayer;
        c.norm_position = NormPosition::kBoth;
    }));
    EXPECT_TRUE(refused([](ModelConfig& c) {
        c.causal = false;
        c.tied_head = false;
    }));
    EXPECT_TRUE(refused([](ModelConfig& c) {
        c.positions = PositionKind::kLearned;
        c.rope_theta = 500.0F;
    }));
    EXPECT_TRUE(
        refused([](ModelConfig& c) { c.norm_eps = std::numeric_limits<float>::quiet_NaN(); }));
    EXPECT_TRUE(
        refused([](ModelConfig& c) { c.rope_theta = std::numeric_limits<float>::infinity(); }));
    EXPECT_TRUE(refused([](ModelConfig& c) {
        c.dim = kMaxDim;
        c.hidden_dim = kMaxHiddenDim;
        c.layers = kMaxLayers;
        c.heads = c.kv_heads = 128;
    }));
}

TEST(ParameterLayout, IsDenseAndOrdered) {
    const ParameterLayout layout(small_config(false));
    std::uint64_t next = 0;
    for (const TensorInfo& info : layout.tensors()) {
        EXPECT_EQ(info.offset, next);
        EXPECT_EQ(&layout.at(info.kind, info.layer), &info);
        next += info.size();
    }
    EXPECT_EQ(layout.size(), next);
    EXPECT_EQ(layout.parameters(), next);
    EXPECT_EQ(layout.tensors().front().name, "token_embedding");
    EXPECT_EQ(layout.tensors()[10].name, "layers.1.attn_norm");
    EXPECT_EQ(layout.tensors().back().name, "head");
    EXPECT_TRUE(layout.at(TensorKind::kWDown, 2).is_matrix);
    EXPECT_FALSE(layout.at(TensorKind::kFfnNorm, 2).is_matrix);
    EXPECT_EQ(layout.at(TensorKind::kWDown, 2).rows, 48U);
    EXPECT_EQ(layout.at(TensorKind::kWk, 0).rows, 16U);
}

TEST(ParameterLayout, TilesBeginTensorsAndPadWithZeros) {
    const ParameterLayout dense(small_config());
    const ParameterLayout tiled(small_config(), 4096);
    EXPECT_EQ(tiled.parameters(), dense.parameters());
    EXPECT_EQ(tiled.size() % 4096, 0U);
    for (const TensorInfo& info : tiled.tensors()) EXPECT_EQ(info.offset % 4096, 0U);
    const std::vector<float> values = large_parameters(dense, 1);
    std::vector<float> wide(tiled.size(), 7.0F);
    copy_parameters(dense, values, tiled, wide);
    double sum_dense = 0;
    double sum_wide = 0;
    for (const float value : values) sum_dense += value;
    for (const float value : wide) sum_wide += value;
    EXPECT_DOUBLE_EQ(sum_dense, sum_wide);
    std::vector<float> back(dense.size());
    copy_parameters(tiled, wide, dense, back);
    EXPECT_EQ(back, values);
}

}  // namespace
}  // namespace cairn::model
