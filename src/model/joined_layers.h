// JoinedLayers: layers whose heads and columns are computed by others, share by share
// (layer_share.h). Here are norms, the residual stream and the products with wo and w_down, for
// which all shares stand one beside the other. Its bits are Transformer's.
#pragma once

#include <span>

#include "model/layer_workspace.h"
#include "tensor/state_type.h"

namespace cairn::model {

/// Who computes the shares of one pass. After an error nothing more of the pass is asked.
class ShareCalls {
  public:
    virtual ~ShareCalls() = default;
    /// attn_output[n, q_dim]: attention of all heads, from the rows [n, dim] that enter it.
    virtual Status heads(std::uint32_t layer, tensor::ConstMatrix attn_input,
                         tensor::Matrix attn_output) = 0;
    /// activated[n, hidden_dim]: all columns, from the rows [n, dim] that enter the feed-forward.
    virtual Status columns(std::uint32_t layer, tensor::ConstMatrix ffn_input,
                           tensor::Matrix activated) = 0;
};

/// Consecutive rows that are rounded to one type, layer by layer (N48).
struct RoundedRows {
    std::size_t rows = 0;
    tensor::StateType states = tensor::StateType::kF32;
};

class JoinedLayers {
  public:
    /// `weights` are joining_weights(); what is behind them and `compute` must outlive it.
    JoinedLayers(const ModelConfig& config, Weights weights, const tensor::Compute& compute,
                 std::size_t max_rows);
    JoinedLayers(const JoinedLayers&) = delete;
    JoinedLayers& operator=(const JoinedLayers&) = delete;

    const ModelConfig& config() const { return config_; }
    std::size_t max_rows() const { return max_rows_; }

    /// hidden[n, dim] through the layers of `run`, in place. `rows` add up to n. An error is that
    /// of `calls`; hidden is then of no use.
    Status forward(std::span<float> hidden, std::span<const RoundedRows> rows, LayerRange run,
                   ShareCalls& calls);

  private:
    static void round(tensor::Matrix x, std::span<const RoundedRows> rows);

    ModelConfig config_;
    Weights weights_;
    tensor::Compute compute_;
    std::size_t max_rows_;
    LayerWorkspace workspace_;
};

}  // namespace cairn::model
