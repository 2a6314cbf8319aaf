// ShareLayers: one machine's share of every layer (layer_share.h), the two steps that it is asked
// for. Its bits are those of the same heads and columns in a Transformer.
#pragma once

#include <vector>

#include "model/attend.h"
#include "model/layer_share.h"
#include "model/layer_workspace.h"

namespace cairn::model {

class ShareLayers {
  public:
    /// `weights` are share_weights() of the layers that will be asked for, packed or not; what is
    /// behind them and `compute` must outlive it. `max_rows` of one call, and `max_positions` of a
    /// sequence, are what memory is taken for.
    ShareLayers(const ModelConfig& config, const LayerShare& share, Weights weights,
                const tensor::Compute& compute, std::size_t max_rows, std::size_t max_positions);
    ShareLayers(const ShareLayers&) = delete;
    ShareLayers& operator=(const ShareLayers&) = delete;

    /// The shape that caches of its heads are made with: share_config().
    const ModelConfig& config() const { return config_; }

    /// Attention of the share's heads: [n, q_dim of the share], valid until the next call, from the
    /// rows [n, dim] that enter the layer's attention. Keys and values of the segments' rows are
    /// written to their caches, which are not advanced. CHECKs that the share has heads.
    tensor::Matrix heads(std::uint32_t layer, tensor::Matrix attn_input,
                         std::span<const Segment> segments);
    /// The share's columns of the feed-forward, activated: [n, columns], from the rows [n, dim]
    /// that enter it. CHECKs that it has columns.
    tensor::Matrix columns(std::uint32_t layer, tensor::Matrix ffn_input);

  private:
    ModelConfig config_;
    Weights weights_;
    tensor::Compute compute_;
    std::size_t max_positions_;
    RopeTables rope_;
    std::vector<tensor::AttentionForward> calls_;
    bool reserved_ = false;  // the threads' memory for decoding
    LayerWorkspace workspace_;
};

}  // namespace cairn::model
