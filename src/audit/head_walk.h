// HeadWalk: all rows of a session through layers with attention by digits, layer by layer, where
// somebody else may say what attention of some heads gives. Its bits are Transformer's.
#pragma once

#include <array>
#include <functional>
#include <span>
#include <vector>

#include "argument/statement.h"
#include "audit/proved_heads.h"
#include "model/kv_cache.h"
#include "model/layer.h"

namespace cairn::audit {

class HeadWalk {
  public:
    /// Whether somebody else says what this head gives.
    using IsTaken = std::function<bool(HeadPlace)>;
    /// Fills in shifts and sums, of the sizes that the statement has. An error ends the walk.
    using Take = std::function<Status(HeadPlace, argument::Statement&)>;

    /// For `rows` rows, at most argument::kMaxRows. All references must outlive it.
    HeadWalk(const model::ModelConfig& config, const model::Weights& weights,
             const tensor::Compute& compute, std::size_t rows);

    /// hidden[rows, dim] through the layers, in place.
    Status run(std::span<float> hidden, model::LayerRange layers, tensor::StateType states,
               const IsTaken& is_taken, const Take& take);

  private:
    model::LayerBuffers buffers(tensor::Matrix x);
    void set_inner(std::uint32_t layer, model::LayerBuffers& b);
    Status attend(std::uint32_t layer, const model::LayerBuffers& b, const IsTaken& is_taken,
                  const Take& take);

    const model::ModelConfig& config_;
    const model::Weights& weights_;
    const tensor::Compute& compute_;
    std::size_t rows_;
    model::RopeTables ropes_;
    // Scratch, [rows, ...].
    std::vector<float> normed_, query_, key_, value_, attn_output_, gate_, up_;
    std::array<std::vector<float>, model::kProjections> inner_;
};

}  // namespace cairn::audit
