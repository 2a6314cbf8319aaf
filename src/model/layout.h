// ParameterLayout: the canonical order of a model's tensors in one flat array of floats. The
// chain's state, checkpoints, gradients, optimiser moments and the forward pass all use this one
// list, so that "parameter number i" means the same everywhere.
//
// Order: token_embedding; per layer attn_norm, wq, wk, wv, wo, ffn_norm, w_gate, w_up, w_down;
// final_norm; head unless tied. Matrices are [out, in], row-major. With tile = 1 tensors touch
// (checkpoints, training); with tile = 4096 each begins a new tile and the padding is zeros (the
// chain's state).
//
// CONSENSUS: changing a result here splits the network.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "model/config.h"

namespace cairn::model {

enum class TensorKind : std::uint8_t {
    kTokenEmbedding,
    kAttnNorm,
    kWq,
    kWk,
    kWv,
    kWo,
    kFfnNorm,
    kWGate,
    kWUp,
    kWDown,
    kFinalNorm,
    kHead,
};

struct TensorInfo {
    TensorKind kind{};
    std::uint32_t layer = 0;  ///< 0 for tensors that belong to no layer
    std::string name;         ///< "layers.3.wq", "final_norm"
    std::uint64_t rows = 1;   ///< 1 for norm weights
    std::uint64_t cols = 0;
    std::uint64_t offset = 0;  ///< of its first float in the flat array
    bool is_matrix = false;    ///< weight decay applies to matrices only

    std::uint64_t size() const { return rows * cols; }
};

class ParameterLayout {
  public:
    /// CHECKs that the configuration is valid and tile >= 1.
    explicit ParameterLayout(const ModelConfig& config, std::uint64_t tile = 1);

    const ModelConfig& config() const { return config_; }
    std::uint64_t tile() const { return tile_; }
    const std::vector<TensorInfo>& tensors() const { return tensors_; }
    /// Length of the flat array, padding included: a multiple of tile.
    std::uint64_t size() const { return size_; }
    /// Number of parameters, padding not counted.
    std::uint64_t parameters() const { return parameters_; }

    /// The tensor of a kind (and layer); CHECKs that the model has it.
    const TensorInfo& at(TensorKind kind, std::uint32_t layer = 0) const;

    template <typename T>
    std::span<T> slice(std::span<T> flat, TensorKind kind, std::uint32_t layer = 0) const {
        const TensorInfo& info = at(kind, layer);
        CHECK(flat.size() == size_);
        return flat.subspan(info.offset, info.size());
    }

  private:
    ModelConfig config_;
    std::uint64_t tile_;
    std::vector<TensorInfo> tensors_;
    std::uint64_t size_ = 0;
    std::uint64_t parameters_ = 0;
};

/// Copies the tensors of one layout into another of the same configuration (dense <-> tiled);
/// padding of the target becomes zeros.
void copy_parameters(const ParameterLayout& from_layout, std::span<const float> from,
                     const ParameterLayout& to_layout, std::span<float> to);

}  // namespace cairn::model
