// CONSENSUS: changing a result here splits the network.
#include "model/config.h"

#include <bit>
#include <cmath>

#include <fmt/core.h>

namespace cairn::model {

namespace {

constexpr std::uint8_t kTiedHead = 1;
constexpr std::uint8_t kRopeInterleaved = 2;

Status check_range(const char* field, std::uint32_t value, std::uint32_t low, std::uint32_t high) {
    if (value < low || value > high)
        return invalid(
            fmt::format("model config: {} is {}, must be {} to {}", field, value, low, high));
    return ok_status();
}

std::uint64_t count_parameters(const ModelConfig& config) {
    const std::uint64_t dim = config.dim;
    const std::uint64_t attention = 2 * dim * dim + 2 * dim * config.kv_dim();
    const std::uint64_t layer = attention + 3 * dim * config.hidden_dim + 2 * dim;
    const std::uint64_t embedding = config.vocab * dim;
    return layer * config.layers + embedding * (config.tied_head ? 1 : 2) + dim;
}

}  // namespace

Status validate(const ModelConfig& config) {
    RETURN_IF_ERROR(check_range("dim", config.dim, 2, kMaxDim));
    RETURN_IF_ERROR(check_range("hidden_dim", config.hidden_dim, 1, kMaxHiddenDim));
    RETURN_IF_ERROR(check_range("layers", config.layers, 1, kMaxLayers));
    RETURN_IF_ERROR(check_range("heads", config.heads, 1, config.dim / 2));
    RETURN_IF_ERROR(check_range("kv_heads", config.kv_heads, 1, config.heads));
    RETURN_IF_ERROR(check_range("vocab", config.vocab, 2, kMaxVocab));
    RETURN_IF_ERROR(check_range("context", config.context, 1, kMaxContext));
    if (config.dim % config.heads != 0 || config.head_dim() % 2 != 0)
        return invalid(
            fmt::format("model config: dim {} over {} heads gives no even head dimension",
                        config.dim, config.heads));
    if (config.heads % config.kv_heads != 0)
        return invalid(fmt::format("model config: kv_heads {} does not divide heads {}",
                                   config.kv_heads, config.heads));
    // Negated, so that NaN is refused too.
    if (!(config.rope_theta >= 1.0F && config.rope_theta <= 1e9F))
        return invalid("model config: rope_theta must be 1 to 1e9");
    if (!(config.norm_eps >= 1e-12F && config.norm_eps <= 1e-1F))
        return invalid("model config: norm_eps must be 1e-12 to 0.1");
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
    writer.u8(static_cast<std::uint8_t>((config.tied_head ? kTiedHead : 0) |
                                        (config.rope_interleaved ? kRopeInterleaved : 0)));
}

Result<ModelConfig> decode_config(Reader& reader) {
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
    if (flags > (kTiedHead | kRopeInterleaved)) return invalid("model config: unknown flags");
    config.tied_head = (flags & kTiedHead) != 0;
    config.rope_interleaved = (flags & kRopeInterleaved) != 0;
    RETURN_IF_ERROR(validate(config));
    return config;
}

std::string describe(const ModelConfig& config) {
    return fmt::format(
        "dim {}, hidden {}, {} layers, {} heads ({} for keys and values), vocabulary {}, "
        "context {}, {} head, rope {} ({}), eps {}",
        config.dim, config.hidden_dim, config.layers, config.heads, config.kv_heads, config.vocab,
        config.context, config.tied_head ? "tied" : "own", config.rope_theta,
        config.rope_interleaved ? "interleaved" : "halves", config.norm_eps);
}

}  // namespace cairn::model
