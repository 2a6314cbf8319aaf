#include "model/layer_share.h"

#include <algorithm>
#include <numeric>

#include <fmt/core.h>

namespace cairn::model {

namespace {

using K = TensorKind;

/// Panels of packed weights; a boundary inside of one would cost both sides a panel.
constexpr std::uint64_t kColumns = 16;

/// Rows [begin, begin + count) of a matrix, or so many numbers of a bias.
tensor::Weight part_of(const tensor::Weight& weight, std::size_t begin, std::size_t count,
                       bool is_matrix) {
    if (weight.empty() || count == 0) return {};
    if (is_matrix) return tensor::weight_rows(weight, begin, count);
    const float* values = weight.f32().data;
    CHECK(begin + count <= weight.cols);
    return {tensor::WeightType::kF32, 1, count, values + begin};
}

struct Rows {
    std::size_t begin = 0, count = 0;
};

/// Which rows of a tensor's outputs the share has; none: it does not need the tensor.
Rows outputs_of(const ModelConfig& config, const LayerShare& share, K kind) {
    const std::size_t d = config.head_dim();
    const std::size_t queries = config.heads / config.kv_heads * d;  // of one group
    switch (kind) {
        case K::kWq:
        case K::kBq:
            return {share.group_begin * queries, share.groups() * queries};
        case K::kWk:
        case K::kBk:
        case K::kWv:
        case K::kBv:
            return {share.group_begin * d, share.groups() * d};
        case K::kWGate:
        case K::kBGate:
        case K::kWUp:
        case K::kBUp:
            return {share.column_begin, share.columns()};
        default:
            return {};
    }
}

/// Rows of a right factor: all, or those of the share's heads where each has its own.
Rows inner_of(const ModelConfig& config, const LayerShare& share, Projection projection,
              const tensor::Weight& right) {
    const Rows outputs = outputs_of(config, share, matrix_of(projection));
    if (outputs.count == 0) return {};
    const std::size_t blocks = config.blocks(projection).left;
    if (blocks == 1) return {0, right.rows};
    const std::size_t rank = right.rows / blocks;
    const std::size_t d = config.head_dim();
    return {outputs.begin / d * rank, outputs.count / d * rank};
}

bool is_divided(K kind) {
    switch (kind) {
        case K::kWq:
        case K::kBq:
        case K::kWk:
        case K::kBk:
        case K::kWv:
        case K::kBv:
        case K::kQNorm:
        case K::kKNorm:
        case K::kWGate:
        case K::kBGate:
        case K::kWUp:
        case K::kBUp:
            return true;
        default:
            return is_right_factor(kind) && is_divided(matrix_of(*projection_of(kind)));
    }
}

}  // namespace

Status can_be_divided(const ModelConfig& config) {
    if (!config.causal)
        return Error{ErrorCode::kUnsupported,
                     "the layers of an encoder are not divided into parts"};
    if (config.crosses())
        return Error{ErrorCode::kUnsupported,
                     "layers that attend to another text are not divided into parts"};
    return ok_status();
}

Status check_share(const ModelConfig& config, const LayerShare& share) {
    if (share.group_begin > share.group_end || share.group_end > config.kv_heads)
        return invalid(fmt::format("groups {}-{} of heads, but a layer has {}", share.group_begin,
                                   share.group_end, config.kv_heads));
    if (share.column_begin > share.column_end || share.column_end > config.hidden_dim)
        return invalid(fmt::format("columns {}-{} of the feed-forward, but a layer has {}",
                                   share.column_begin, share.column_end, config.hidden_dim));
    if (share.groups() == 0 && share.columns() == 0)
        return invalid("a share of no heads and no columns");
    return ok_status();
}

std::vector<LayerShare> divide_layers(const ModelConfig& config,
                                      std::span<const std::uint32_t> sizes) {
    const std::uint64_t all = std::accumulate(sizes.begin(), sizes.end(), std::uint64_t{0});
    CHECK(all > 0);
    std::vector<LayerShare> shares;
    std::uint64_t before = 0;
    LayerShare last;
    for (const std::uint32_t size : sizes) {
        before += size;
        LayerShare share{last.group_end, 0, last.column_end, 0};
        share.group_end = static_cast<std::uint32_t>((config.kv_heads * before + all / 2) / all);
        const std::uint64_t panels = (config.hidden_dim * before / all + kColumns / 2) / kColumns;
        share.column_end = before == all ? config.hidden_dim
                                         : static_cast<std::uint32_t>(std::min<std::uint64_t>(
                                               panels * kColumns, config.hidden_dim));
        shares.push_back(share);
        last = share;
    }
    return shares;
}

ModelConfig share_config(const ModelConfig& config, const LayerShare& share) {
    ModelConfig part = config;
    part.explicit_head_dim = config.head_dim();
    part.heads = config.heads / config.kv_heads * share.groups();
    part.kv_heads = share.groups();
    part.hidden_dim = share.columns();
    return part;
}

Weights share_weights(const ModelConfig& config, const Weights& weights, LayerRange range,
                      const LayerShare& share) {
    CHECK(check_share(config, share).ok());
    Weights part;
    part.layers.resize(config.layers);
    const ParameterLayout layout(config);
    for (const TensorInfo& info : layout.tensors()) {
        if (!is_in(info, range) || !is_divided(info.kind)) continue;
        const tensor::Weight& whole = tensor_at(weights, info.kind, info.layer);
        tensor::Weight& taken = tensor_at(part, info.kind, info.layer);
        if (info.kind == K::kQNorm || info.kind == K::kKNorm) {
            if (share.groups() > 0) taken = whole;
            continue;
        }
        const Rows rows = is_right_factor(info.kind)
                              ? inner_of(config, share, *projection_of(info.kind), whole)
                              : outputs_of(config, share, info.kind);
        taken = part_of(whole, rows.begin, rows.count, info.is_matrix);
    }
    return part;
}

Weights joining_weights(const ModelConfig& config, const Weights& weights, LayerRange range) {
    Weights joining;
    joining.layers.resize(config.layers);
    const ParameterLayout layout(config);
    for (const TensorInfo& info : layout.tensors())
        if (is_in(info, range) && !is_divided(info.kind))
            tensor_at(joining, info.kind, info.layer) = tensor_at(weights, info.kind, info.layer);
    return joining;
}

}  // namespace cairn::model
