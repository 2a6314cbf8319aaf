// Replay: the plainest audit. Layers [a, b) of a sequence are computed again from the inputs that a
// Server was given, and what it gave back must be the same to the bit. There is no tolerance in
// which a wrong result could hide, and a mismatch names its row. The replay is one batched prefill,
// far cheaper than the decode that it checks, because weights are read once for many rows.
#pragma once

#include <span>
#include <vector>

#include "base/verdict.h"
#include "model/transformer.h"

namespace cairn::audit {

/// Rows that are computed at once.
inline constexpr std::size_t kReplayRows = 64;

/// What layers [a, b) make of `inputs` [n, dim], from position 0 on, with rows of the type
/// `states`. Of a decoder with cross attention the first `source_rows` of them are what it attends
/// to (S54), and the result is of the others; of an encoder they are its text, which the others
/// repeat from its first row on (S55). kInvalid for inputs that are not rows of a sequence or not
/// finite; kNotFound if `weights` lacks a layer. `products`, if given, makes the layers' products,
/// of models that write for kReplayRows rows at a time.
Result<std::vector<float>> recompute(const model::ModelConfig& config,
                                     const model::Weights& weights, model::LayerRange layers,
                                     std::span<const float> inputs, model::KvType kv,
                                     const tensor::Compute& compute,
                                     tensor::StateType states = tensor::StateType::kF32,
                                     std::size_t source_rows = 0,
                                     model::Products* products = nullptr);

struct ReplayClaim {
    model::LayerRange layers;
    std::span<const float> inputs;   ///< [n, dim], from position 0 on
    std::span<const float> outputs;  ///< [n - source_rows, dim], what the Server claims
    model::KvType kv = model::KvType::kF32;
    tensor::StateType states = tensor::StateType::kF32;
    std::size_t source_rows = 0;  ///< as in recompute()
};

/// Valid if the outputs are those of the layers, to the bit. Invalid names the first row and column
/// that differ, or what is wrong with the inputs. Undecided if `weights` lacks a layer.
Verdict replay(const model::ModelConfig& config, const model::Weights& weights,
               const ReplayClaim& claim, const tensor::Compute& compute);

}  // namespace cairn::audit
