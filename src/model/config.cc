// CONSENSUS: changing a result here splits the network.
#include "model/config.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include <fmt/core.h>

#include "model/rope_scale.h"

namespace cairn::model {

namespace {

// Flags of the first part; kMore says that a second part follows.
constexpr std::uint8_t kTiedHead = 1;
constexpr std::uint8_t kRopeInterleaved = 2;
constexpr std::uint8_t kMore = 4;
constexpr std::uint8_t kFactored = 8;  // a part follows that says which matrices are factors
constexpr std::uint8_t kCrosses = 16;  // a part follows about cross attention
// Flags of the second part.
constexpr std::uint8_t kBidirectional = 1;
constexpr std::uint8_t kQkvBias = 2;
constexpr std::uint8_t kOutBias = 4;
constexpr std::uint8_t kFfnBias = 8;
constexpr std::uint8_t kQkNorm = 16;
constexpr std::uint8_t kEmbeddingNorm = 32;
constexpr std::uint8_t kScaledEmbedding = 64;
constexpr std::uint8_t kWindow = 128;  // a third part follows

Status check_range(const char* field, std::uint32_t value, std::uint32_t low, std::uint32_t high) {
    if (value < low || value > high)
        return invalid(
            fmt::format("model config: {} is {}, must be {} to {}", field, value, low, high));
    return ok_status();
}

std::uint64_t count_parameters(const ModelConfig& config) {
    const std::uint64_t dim = config.dim;
    const std::uint64_t attention =
        (2 * dim * config.q_dim() + 2 * dim * config.kv_dim()) * (config.crosses() ? 2 : 1);
    // Vectors are counted generously: the bound only keeps addresses in range.
    const std::uint64_t vectors = 12 * dim + 8 * config.q_dim() + 3 * config.hidden_dim;
    const std::uint64_t layer = attention + 3 * dim * config.hidden_dim + vectors;
    const std::uint64_t embedding = config.vocab * dim * (config.tied_head ? 1 : 2);
    return layer * config.layers + embedding + config.vocab + (config.context + 32) * dim;
}

// One spelling: a field that a kind does not use is zero. Comparisons are negated where NaN must
// fail them.
Status check_rope_scale(const RopeScale& scale, const ModelConfig& config) {
    if (scale.kind == RopeScalingKind::kNone)
        return scale == RopeScale{} ? ok_status() : invalid("model config: unused rope scaling");
    if (config.positions != PositionKind::kRotary || scale.kind > RopeScalingKind::kYarn)
        return invalid("model config: unknown or unused rope scaling");
    const bool llama3 = scale.kind == RopeScalingKind::kLlama3;
    const bool yarn = scale.kind == RopeScalingKind::kYarn;
    const auto within = [](float value, bool used, float low, float high) {
        return used ? value >= low && value <= high : std::bit_cast<std::uint32_t>(value) == 0;
    };
    if (!within(scale.factor, true, 1.0F, 1e4F) ||
        !within(scale.low_freq_factor, llama3, 1e-3F, 1e4F) ||
        !within(scale.high_freq_factor, llama3, 1e-3F, 1e4F) ||
        !within(scale.beta_fast, yarn, 1e-3F, 1e4F) ||
        !within(scale.beta_slow, yarn, 1e-3F, 1e4F) ||
        !within(scale.attention_factor, yarn, 1e-3F, 1e3F))
        return invalid("model config: a rope scaling factor is out of range");
    RETURN_IF_ERROR(check_range("rope scaling's original context", scale.original_context,
                                llama3 || yarn ? 1 : 0, llama3 || yarn ? kMaxContext : 0));
    return tensor::check_rope_scaling(formula_of(scale));
}

Status check_heads(const ModelConfig& config) {
    RETURN_IF_ERROR(check_range("heads", config.heads, 1, kMaxHeads));
    RETURN_IF_ERROR(check_range("kv_heads", config.kv_heads, 1, config.heads));
    RETURN_IF_ERROR(check_range("explicit_head_dim", config.explicit_head_dim, 0, kMaxHeadDim));
    if (config.explicit_head_dim == 0 && config.dim % config.heads != 0)
        return invalid(fmt::format("model config: dim {} is not a multiple of heads {}", config.dim,
                                   config.heads));
    if (config.explicit_head_dim * config.heads == config.dim)
        return invalid("model config: explicit_head_dim is for heads other than dim / heads");
    if (config.head_dim() == 0 || config.head_dim() % 2 != 0 || config.head_dim() > kMaxHeadDim)
        return invalid(
            fmt::format("model config: dim {} over {} heads gives no even head dimension up to {}",
                        config.dim, config.heads, kMaxHeadDim));
    if (config.heads % config.kv_heads != 0)
        return invalid(fmt::format("model config: kv_heads {} does not divide heads {}",
                                   config.kv_heads, config.heads));
    return ok_status();
}

Status check_window(const ModelConfig& config) {
    if (config.window == 0) {
        if (config.window_period == 0 && std::bit_cast<std::uint32_t>(config.local_rope_theta) == 0)
            return ok_status();
        return invalid("model config: fields of a window are set, but there is none");
    }
    if (!config.causal || config.positions != PositionKind::kRotary)
        return invalid("model config: a window is for rotary positions and earlier keys");
    RETURN_IF_ERROR(check_range("window", config.window, 1, kMaxContext));
    RETURN_IF_ERROR(check_range("window_period", config.window_period, 2, kMaxLayers));
    if (!(config.local_rope_theta >= 1.0F && config.local_rope_theta <= kMaxRopeTheta))
        return invalid("model config: local_rope_theta must be 1 to 1e9");
    return ok_status();
}

Status check_cross(const ModelConfig& config) {
    if (!config.crosses())
        return config.head_bias ? invalid("model config: a bias of the head needs cross attention")
                                : ok_status();
    RETURN_IF_ERROR(check_range("cross_context", config.cross_context, 1, kMaxContext));
    if (!config.causal) return invalid("model config: an encoder has no cross attention");
    if (config.norm_position == NormPosition::kBoth || config.qk_norm || !config.ranks.empty())
        return invalid(
            "model config: cross attention with norms behind branches, norms of heads or factors");
    return ok_status();
}

Status check_family(const ModelConfig& config) {
    if (config.norm > NormKind::kLayer || config.norm_position > NormPosition::kBoth ||
        config.positions > PositionKind::kSinusoidal || config.feed_forward > FeedForward::kGeglu)
        return invalid("model config: a kind of norm, position or feed-forward is unknown");
    if (config.norm_position == NormPosition::kBoth && config.norm != NormKind::kRms)
        return invalid("model config: norms before and behind a branch are RMSNorms");
    RETURN_IF_ERROR(check_range("token_types", config.token_types, 0, kMaxTokenTypes));
    if (!config.causal && !config.tied_head)
        return invalid("model config: an encoder has no head of its own");
    if (config.positions != PositionKind::kRotary &&
        !(config.rope_theta == 10000.0F && config.rope_interleaved))
        return invalid("model config: rope fields are set, but its positions are not rotary");
    RETURN_IF_ERROR(check_window(config));
    RETURN_IF_ERROR(check_cross(config));
    return check_rope_scale(config.rope_scale, config);
}

constexpr Projection kAllProjections[] = {
    Projection::kQuery, Projection::kKey, Projection::kValue, Projection::kOutput,
    Projection::kGate,  Projection::kUp,  Projection::kDown};
constexpr const char* kProjectionNames[] = {"wq", "wk", "wv", "wo", "w_gate", "w_up", "w_down"};

bool is_attention(Projection projection) { return projection <= Projection::kOutput; }

// One spelling: ranks only where there are some, per head only where a head has factors.
Status check_ranks(const ModelConfig& config) {
    if (config.ranks.empty())
        return config.per_head ? invalid("model config: per head, but no matrix has factors")
                               : ok_status();
    if (config.ranks.size() != config.layers)
        return invalid("model config: ranks are given for each layer or for none");
    bool any = false;
    bool any_head = false;
    for (std::uint32_t layer = 0; layer < config.layers; ++layer)
        for (const Projection projection : kAllProjections) {
            const std::uint32_t rank = config.rank(projection, layer);
            const FactorBlocks blocks = config.blocks(projection);
            const bool absent = projection == Projection::kGate && !config.is_gated();
            const std::uint32_t most = absent ? 0
                                              : std::min(config.outputs(projection) / blocks.left,
                                                         config.inputs(projection) / blocks.right);
            if (rank > most)
                return invalid(fmt::format(
                    "model config: {} of layer {} has rank {}, its shape allows {}",
                    kProjectionNames[static_cast<std::size_t>(projection)], layer, rank, most));
            any = any || rank > 0;
            any_head = any_head || (rank > 0 && is_attention(projection));
        }
    if (!any) return invalid("model config: ranks are given, but all matrices are whole");
    if (config.per_head && !any_head)
        return invalid("model config: per head, but no head has factors");
    return ok_status();
}

void encode_ranks(const ModelConfig& config, Writer& writer) {
    writer.u8(config.per_head ? 1 : 0);
    for (const LayerRanks& layer : config.ranks)
        for (const std::uint16_t rank : layer) writer.u16(rank);
}

Status decode_ranks(Reader& reader, ModelConfig& config) {
    const std::uint8_t per_head = reader.u8();
    if (per_head > 1) return invalid("model config: unknown flags of factors");
    config.per_head = per_head == 1;
    RETURN_IF_ERROR(check_range("layers", config.layers, 1, kMaxLayers));
    config.ranks.resize(config.layers);
    for (LayerRanks& layer : config.ranks)
        for (std::uint16_t& rank : layer) rank = reader.u16();
    return reader.status();
}

Status decode_cross(Reader& reader, ModelConfig& config) {
    config.cross_context = reader.u32();
    const std::uint8_t head_bias = reader.u8();
    RETURN_IF_ERROR(reader.status());
    if (!config.crosses() || head_bias > 1)
        return invalid("model config: cross attention to nothing, or unknown flags of it");
    config.head_bias = head_bias == 1;
    return ok_status();
}

std::string describe_ranks(const ModelConfig& config) {
    if (config.ranks.empty()) return "";
    std::size_t count = 0;
    for (const LayerRanks& layer : config.ranks)
        count += static_cast<std::size_t>(
            std::count_if(layer.begin(), layer.end(), [](auto rank) { return rank > 0; }));
    return fmt::format(", {} matrices as factors of low rank{}", count,
                       config.per_head ? " (per head)" : "");
}

void encode_more(const ModelConfig& config, Writer& writer) {
    writer.u8(static_cast<std::uint8_t>(config.norm));
    writer.u8(static_cast<std::uint8_t>(config.norm_position));
    writer.u8(static_cast<std::uint8_t>(config.positions));
    writer.u8(static_cast<std::uint8_t>(config.feed_forward));
    writer.u8(static_cast<std::uint8_t>(
        (config.causal ? 0 : kBidirectional) | (config.qkv_bias ? kQkvBias : 0) |
        (config.out_bias ? kOutBias : 0) | (config.ffn_bias ? kFfnBias : 0) |
        (config.qk_norm ? kQkNorm : 0) | (config.embedding_norm ? kEmbeddingNorm : 0) |
        (config.scaled_embedding ? kScaledEmbedding : 0) | (config.window != 0 ? kWindow : 0)));
    writer.u8(static_cast<std::uint8_t>(config.token_types));
    writer.u8(static_cast<std::uint8_t>(config.rope_scale.kind));
    writer.u32(config.explicit_head_dim);
    const RopeScale& scale = config.rope_scale;
    for (const float value : {scale.factor, scale.low_freq_factor, scale.high_freq_factor,
                              scale.beta_fast, scale.beta_slow, scale.attention_factor})
        writer.u32(std::bit_cast<std::uint32_t>(value));
    writer.u32(scale.original_context);
    if (config.window == 0) return;
    writer.u32(config.window);
    writer.u32(config.window_period);
    writer.u32(std::bit_cast<std::uint32_t>(config.local_rope_theta));
}

Status decode_more(Reader& reader, ModelConfig& config) {
    config.norm = static_cast<NormKind>(reader.u8());
    config.norm_position = static_cast<NormPosition>(reader.u8());
    config.positions = static_cast<PositionKind>(reader.u8());
    config.feed_forward = static_cast<FeedForward>(reader.u8());
    const std::uint8_t flags = reader.u8();
    config.causal = (flags & kBidirectional) == 0;
    config.qkv_bias = (flags & kQkvBias) != 0;
    config.out_bias = (flags & kOutBias) != 0;
    config.ffn_bias = (flags & kFfnBias) != 0;
    config.qk_norm = (flags & kQkNorm) != 0;
    config.embedding_norm = (flags & kEmbeddingNorm) != 0;
    config.scaled_embedding = (flags & kScaledEmbedding) != 0;
    config.token_types = reader.u8();
    config.rope_scale.kind = static_cast<RopeScalingKind>(reader.u8());
    config.explicit_head_dim = reader.u32();
    RopeScale& scale = config.rope_scale;
    for (float* value : {&scale.factor, &scale.low_freq_factor, &scale.high_freq_factor,
                         &scale.beta_fast, &scale.beta_slow, &scale.attention_factor})
        *value = std::bit_cast<float>(reader.u32());
    scale.original_context = reader.u32();
    if ((flags & kWindow) != 0) {
        config.window = reader.u32();
        config.window_period = reader.u32();
        config.local_rope_theta = std::bit_cast<float>(reader.u32());
        if (config.window == 0) return invalid("model config: a window of no keys");
    }
    return reader.status();
}

std::string describe_family(const ModelConfig& config) {
    if (config.is_llama()) return "";
    std::string text = config.norm == NormKind::kLayer ? ", LayerNorm" : ", RMSNorm";
    if (config.norm_position == NormPosition::kPost) text += " after";
    if (config.norm_position == NormPosition::kBoth) text += " before and after";
    constexpr const char* kPositions[] = {"rotary", "learned", "sinusoidal"};
    constexpr const char* kBranches[] = {"SwiGLU", "GELU", "GELU (tanh)", "ReLU", "GeGLU"};
    text += fmt::format(", {} positions, {}", kPositions[static_cast<int>(config.positions)],
                        kBranches[static_cast<int>(config.feed_forward)]);
    if (config.explicit_head_dim != 0)
        text += fmt::format(", heads of {}", config.explicit_head_dim);
    if (config.qk_norm) text += ", q/k norm";
    if (config.qkv_bias || config.out_bias || config.ffn_bias) text += ", biases";
    if (config.rope_scale.kind != RopeScalingKind::kNone)
        text += fmt::format(", rope scaled by {}", config.rope_scale.factor);
    if (config.scaled_embedding) text += ", scaled embedding";
    if (config.window != 0)
        text += fmt::format(", windows of {} but in every {}th layer (rope {})", config.window,
                            config.window_period, config.local_rope_theta);
    if (!config.causal) text += ", encoder";
    if (config.crosses())
        text += fmt::format(", cross attention to {} tokens{}", config.cross_context,
                            config.head_bias ? ", biased head" : "");
    return text;
}

}  // namespace

bool ModelConfig::is_llama() const {
    ModelConfig plain;
    plain.dim = dim;
    plain.hidden_dim = hidden_dim;
    plain.layers = layers;
    plain.heads = heads;
    plain.kv_heads = kv_heads;
    plain.vocab = vocab;
    plain.context = context;
    plain.rope_theta = rope_theta;
    plain.norm_eps = norm_eps;
    plain.tied_head = tied_head;
    plain.rope_interleaved = rope_interleaved;
    plain.ranks = ranks;
    plain.per_head = per_head;
    return plain == *this;
}

FactorBlocks ModelConfig::blocks(Projection projection) const {
    if (!per_head) return {};
    switch (projection) {
        case Projection::kQuery:
            return {1, heads};
        case Projection::kKey:
        case Projection::kValue:
            return {1, kv_heads};
        case Projection::kOutput:
            return {heads, 1};
        default:
            return {};
    }
}

std::uint32_t ModelConfig::inner_width(Projection projection, std::uint32_t rank) const {
    const FactorBlocks of = blocks(projection);
    return rank * of.right * of.left;
}

std::uint32_t ModelConfig::widest_inner(Projection projection) const {
    std::uint32_t widest = 0;
    for (const LayerRanks& layer : ranks)
        widest =
            std::max(widest, inner_width(projection, layer[static_cast<std::size_t>(projection)]));
    return widest;
}

std::uint32_t ModelConfig::outputs(Projection projection) const {
    switch (projection) {
        case Projection::kQuery:
            return q_dim();
        case Projection::kKey:
        case Projection::kValue:
            return kv_dim();
        case Projection::kGate:
        case Projection::kUp:
            return hidden_dim;
        default:
            return dim;
    }
}

std::uint32_t ModelConfig::inputs(Projection projection) const {
    return projection == Projection::kOutput ? q_dim()
           : projection == Projection::kDown ? hidden_dim
                                             : dim;
}

bool is_gemma3(const ModelConfig& c) {
    const bool stretched = c.rope_scale.kind != RopeScalingKind::kNone &&
                           c.rope_scale.kind != RopeScalingKind::kLinear;
    return c.norm == NormKind::kRms && c.norm_position == NormPosition::kBoth &&
           c.positions == PositionKind::kRotary && c.feed_forward == FeedForward::kGeglu &&
           c.causal && c.qk_norm && c.scaled_embedding && !c.qkv_bias && !c.out_bias &&
           !c.ffn_bias && !c.embedding_norm && c.token_types == 0 && !stretched;
}

Status validate(const ModelConfig& config) {
    RETURN_IF_ERROR(check_range("dim", config.dim, 2, kMaxDim));
    RETURN_IF_ERROR(check_range("hidden_dim", config.hidden_dim, 1, kMaxHiddenDim));
    RETURN_IF_ERROR(check_range("layers", config.layers, 1, kMaxLayers));
    RETURN_IF_ERROR(check_range("vocab", config.vocab, 2, kMaxVocab));
    RETURN_IF_ERROR(check_range("context", config.context, 1, kMaxContext));
    RETURN_IF_ERROR(check_heads(config));
    // Negated, so that NaN is refused too.
    if (!(config.rope_theta >= 1.0F && config.rope_theta <= kMaxRopeTheta))
        return invalid("model config: rope_theta must be 1 to 1e9");
    if (!(config.norm_eps >= kMinEps && config.norm_eps <= kMaxEps))
        return invalid("model config: norm_eps must be 1e-12 to 0.1");
    RETURN_IF_ERROR(check_family(config));
    RETURN_IF_ERROR(check_ranks(config));
    if (count_parameters(config) > kMaxParameters)
        return invalid("model config: more parameters than this version addresses (2^36)");
    return ok_status();
}

void encode(const ModelConfig& config, Writer& writer) {
    writer.u32(config.dim);
    writer.u32(config.hidden_dim);
    writer.u32(config.layers);
    writer.u32(config.heads);
    writer.u32(config.kv_heads);
    writer.u32(config.vocab);
    writer.u32(config.context);
    writer.u32(std::bit_cast<std::uint32_t>(config.rope_theta));
    writer.u32(std::bit_cast<std::uint32_t>(config.norm_eps));
    writer.u8(static_cast<std::uint8_t>(
        (config.tied_head ? kTiedHead : 0) | (config.rope_interleaved ? kRopeInterleaved : 0) |
        (config.is_llama() ? 0 : kMore) | (config.ranks.empty() ? 0 : kFactored) |
        (config.crosses() ? kCrosses : 0)));
    if (!config.is_llama()) encode_more(config, writer);
    if (!config.ranks.empty()) encode_ranks(config, writer);
    if (!config.crosses()) return;
    writer.u32(config.cross_context);
    writer.u8(config.head_bias ? 1 : 0);
}

Result<ModelConfig> decode_config(Reader& reader, Crossing crossing) {
    ModelConfig config;
    config.dim = reader.u32();
    config.hidden_dim = reader.u32();
    config.layers = reader.u32();
    config.heads = reader.u32();
    config.kv_heads = reader.u32();
    config.vocab = reader.u32();
    config.context = reader.u32();
    config.rope_theta = std::bit_cast<float>(reader.u32());
    config.norm_eps = std::bit_cast<float>(reader.u32());
    const std::uint8_t flags = reader.u8();
    RETURN_IF_ERROR(reader.status());
    if (flags > (kTiedHead | kRopeInterleaved | kMore | kFactored | kCrosses))
        return invalid("model config: unknown flags");
    config.tied_head = (flags & kTiedHead) != 0;
    config.rope_interleaved = (flags & kRopeInterleaved) != 0;
    if ((flags & kMore) != 0) RETURN_IF_ERROR(decode_more(reader, config));
    if ((flags & kFactored) != 0) RETURN_IF_ERROR(decode_ranks(reader, config));
    if ((flags & kCrosses) != 0) RETURN_IF_ERROR(decode_cross(reader, config));
    if (((flags & kMore) == 0) != config.is_llama())
        return invalid("model config: not its shortest spelling");
    RETURN_IF_ERROR(validate(config));
    if (config.crosses() && crossing == Crossing::kRefused)
        return Error{ErrorCode::kUnsupported,
                     "this is the decoder of an encoder-decoder; a model that stands alone is "
                     "wanted here"};
    return config;
}

std::string describe(const ModelConfig& config) {
    std::string text = fmt::format(
        "dim {}, hidden {}, {} layers, {} heads ({} for keys and values), vocabulary {}, "
        "context {}, eps {}",
        config.dim, config.hidden_dim, config.layers, config.heads, config.kv_heads, config.vocab,
        config.context, config.norm_eps);
    if (config.has_head()) text += config.tied_head ? ", tied head" : ", own head";
    if (config.positions == PositionKind::kRotary)
        text += fmt::format(", rope {} ({})", config.rope_theta,
                            config.rope_interleaved ? "interleaved" : "halves");
    return text + describe_family(config) + describe_ranks(config);
}

}  // namespace cairn::model
