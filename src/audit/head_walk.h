// HeadWalk: all rows of a session through layers with attention by digits, layer by layer, where
// somebody else may say what attention of some heads gives. Its bits are Transformer's.
#pragma once

#include <functional>
#include <span>

#include "argument/statement.h"
#include "audit/proved_heads.h"
#include "model/kv_cache.h"
#include "model/layer_workspace.h"

namespace cairn::audit {

class HeadWalk {
  public:
    /// Told before each layer. An error ends the walk.
    using Before = std::function<Status(std::uint32_t layer)>;
    /// Whether somebody else says what this head gives.
    using IsTaken = std::function<bool(HeadPlace)>;
    /// Fills in shifts and sums, of the sizes that the statement has. An error ends the walk.
    using Take = std::function<Status(HeadPlace, argument::Statement&)>;

    /// For `rows` rows, at most argument::kMaxRows. All references must outlive it.
    HeadWalk(const model::ModelConfig& config, const model::Weights& weights,
             const tensor::Compute& compute, std::size_t rows);

    /// hidden[rows, dim] through the layers, in place.
    Status run(std::span<float> hidden, model::LayerRange layers, tensor::StateType states,
               const Before& before, const IsTaken& is_taken, const Take& take);

  private:
    Status attend(std::uint32_t layer, const model::LayerBuffers& b, const IsTaken& is_taken,
                  const Take& take);

    const model::ModelConfig& config_;
    const model::Weights& weights_;
    const tensor::Compute& compute_;
    std::size_t rows_;
    model::RopeTables ropes_;
    model::LayerWorkspace workspace_;
};

}  // namespace cairn::audit
