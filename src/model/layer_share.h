// How every layer of a model is divided over several machines (papers B: section 4.3): each
// computes whole groups of heads (those that read one head of keys and values) with their part of
// the cache, and some columns of the feed-forward. What they compute is joined, one beside the
// other, before the products with wo and w_down, and never summed: each number is a row of some
// weight times an input that everybody has whole, so a share changes no bit (N52).
//
//   std::vector<LayerShare> shares = divide_layers(config, {1, 1});
//   ShareLayers half(config, shares[1], share_weights(config, weights, layers, shares[1]), ...);
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/weights.h"

namespace cairn::model {

/// What one machine computes of each layer; either range may be empty.
struct LayerShare {
    std::uint32_t group_begin = 0;  ///< heads of keys and values, with the queries that read them
    std::uint32_t group_end = 0;
    std::uint32_t column_begin = 0;  ///< of the feed-forward: rows of w_gate and w_up
    std::uint32_t column_end = 0;

    std::uint32_t groups() const { return group_end - group_begin; }
    std::uint32_t columns() const { return column_end - column_begin; }
    bool operator==(const LayerShare&) const = default;
};

/// kUnsupported for an encoder and for cross attention.
Status can_be_divided(const ModelConfig& config);

/// kInvalid with the bound if the share is not one of this model's layers, or of nothing.
Status check_share(const ModelConfig& config, const LayerShare& share);

/// Shares in the proportion of `sizes`, whose sum is above 0, as nearly as whole groups and whole
/// panels of 16 columns allow: together all heads and columns, each once, in order.
std::vector<LayerShare> divide_layers(const ModelConfig& config,
                                      std::span<const std::uint32_t> sizes);

/// The model's shape with the share's heads and columns alone, for layer.h, attend.h and KvCache.
/// An empty range leaves 0 of them: no shape for validate().
ModelConfig share_config(const ModelConfig& config, const LayerShare& share);

/// Views of the rows that the share needs, of the layers in `range`; all else is empty. `weights`
/// are not packed.
Weights share_weights(const ModelConfig& config, const Weights& weights, LayerRange range,
                      const LayerShare& share);

/// What joins the shares: norms, wo and w_down of the layers in `range`; all else is empty.
Weights joining_weights(const ModelConfig& config, const Weights& weights, LayerRange range);

}  // namespace cairn::model
