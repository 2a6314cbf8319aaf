// ParameterLayout: the canonical order of a model's tensors in one flat array of floats. The
// chain's state, checkpoints, gradients, optimiser moments and the forward pass all use this one
// list, so that "parameter number i" means the same everywhere; files of other programs are read
// and written by walking it.
//
// Order: that of TensorKind, the kinds of a layer once per layer; a tensor that the configuration
// does not have is not there. Matrices are [out, in], row-major; a bias or norm is one row. A
// matrix of low rank k is two, the right factor V [k, in] and the left one U [out, k] in the whole
// matrix's place; with per-head factors all heads' lie one below the other (model/config.h). With
// tile = 1 tensors touch (checkpoints, training); with tile = 4096 each begins a new tile and the
// padding is zeros (the chain's state).
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/config.h"

namespace cairn::model {

enum class TensorKind : std::uint8_t {
    kTokenEmbedding,
    kPositionEmbedding,  ///< [context, dim]
    kTypeEmbedding,      ///< [token_types, dim]
    kEmbeddingNorm,
    kEmbeddingNormBias,
    // one of each per layer
    kAttnNorm,
    kAttnNormBias,
    kWqRight,
    kWq,
    kBq,
    kWkRight,
    kWk,
    kBk,
    kWvRight,
    kWv,
    kBv,
    kQNorm,  ///< [head_dim]
    kKNorm,  ///< [head_dim]
    kWoRight,
    kWo,
    kBo,
    kAttnPostNorm,  ///< behind the branch
    kCrossNorm,     ///< from here to kCrossBo: of cross attention
    kCrossNormBias,
    kCrossWq,
    kCrossBq,
    kCrossWk,
    kCrossBk,
    kCrossWv,
    kCrossBv,
    kCrossWo,
    kCrossBo,
    kFfnNorm,
    kFfnNormBias,
    kWGateRight,
    kWGate,
    kBGate,
    kWUpRight,
    kWUp,
    kBUp,
    kWDownRight,
    kWDown,
    kBDown,
    kFfnPostNorm,
    // after the layers
    kFinalNorm,
    kFinalNormBias,
    kHead,
    kHeadBias,  ///< [vocab]
};

inline constexpr std::size_t kTensorKinds = static_cast<std::size_t>(TensorKind::kHeadBias) + 1;

/// Whether every layer has one of its own.
inline bool is_per_layer(TensorKind kind) {
    return kind >= TensorKind::kAttnNorm && kind <= TensorKind::kFfnPostNorm;
}

/// A projection's whole matrix or left factor, and its right factor.
TensorKind matrix_of(Projection projection);
TensorKind right_factor_of(Projection projection);
/// Which projection a kind belongs to, as a matrix or as a factor.
std::optional<Projection> projection_of(TensorKind kind);
inline bool is_right_factor(TensorKind kind) {
    const auto projection = projection_of(kind);
    return projection && kind == right_factor_of(*projection);
}

struct TensorInfo {
    TensorKind kind{};
    std::uint32_t layer = 0;  ///< 0 for tensors that belong to no layer
    std::string name;         ///< "layers.3.wq", "layers.3.wq.left", "final_norm"
    std::uint64_t rows = 1;   ///< 1 for norms and biases
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
    bool has(TensorKind kind, std::uint32_t layer = 0) const;

    template <typename T>
    std::span<T> slice(std::span<T> flat, TensorKind kind, std::uint32_t layer = 0) const {
        const TensorInfo& info = at(kind, layer);
        CHECK(flat.size() == size_);
        return flat.subspan(info.offset, info.size());
    }
    /// The same, or nothing where the model has no such tensor.
    template <typename T>
    std::span<T> slice_if(std::span<T> flat, TensorKind kind, std::uint32_t layer = 0) const {
        return has(kind, layer) ? slice(flat, kind, layer) : std::span<T>();
    }

  private:
    ModelConfig config_;
    std::uint64_t tile_;
    std::vector<TensorInfo> tensors_;
    /// Index into tensors_ of each kind in each layer; kNone where there is none.
    std::vector<std::array<std::uint32_t, kTensorKinds>> places_;
    std::uint64_t size_ = 0;
    std::uint64_t parameters_ = 0;
};

/// Copies the tensors of one layout into another of the same configuration (dense <-> tiled);
/// padding of the target becomes zeros.
void copy_parameters(const ParameterLayout& from_layout, std::span<const float> from,
                     const ParameterLayout& to_layout, std::span<float> to);

}  // namespace cairn::model
