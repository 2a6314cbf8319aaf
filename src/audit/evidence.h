// Evidence: the exact integer sums of every linear layer of a W8A8-row model, which is what a
// Server shows when it is audited by Freivalds' check (freivalds.h). A product of such a layer is
// float(sum) * (weight's scale * activation's scale), so whoever has the sums has everything that
// the layer gave, to the bit, and the sums satisfy linear equations that are cheap to check.
//
// A Server keeps only what it was given (its inputs); it makes evidence when it is asked, by
// computing the session again as one prefill.
//
// Layout: for each batch of kReplayRows rows of the sequence, for each layer, for each of its
// matrices in the order in which they are computed (q, k, v, o, gate, up, down), for each row of
// the batch: u8 width (2, 3 or 4, the least that holds all sums of the row), then the sums of all
// outputs: width 2 i16 each; width 3 the lower u16 of all, then the upper i8 of all; width 4 i32
// each; little-endian.
#pragma once

#include <span>
#include <vector>

#include "audit/replay.h"
#include "base/bytes.h"

namespace cairn::audit {

/// The largest magnitude of a sum that `width` bytes hold: kLargestSum[width].
inline constexpr std::int64_t kLargestSum[] = {0, 0, 0x7FFF, 0x7F'FFFF, 0x7FFF'FFFF};

/// Whether sessions of this model over these layers can be audited so: every matrix of every layer
/// is W8A8-row and whole, and the model is causal. Else kUnsupported, and they are audited by
/// replay.
Status can_show_evidence(const model::ModelConfig& config, const model::Weights& weights,
                         model::LayerRange layers);

/// Evidence for the session whose `inputs` [n, dim] these are, from position 0 on. kInvalid and
/// kNotFound as recompute() of replay.h, kUnsupported as can_show_evidence().
Result<Bytes> make_evidence(const model::ModelConfig& config, const model::Weights& weights,
                            model::LayerRange layers, std::span<const float> inputs,
                            model::KvType kv, const tensor::Compute& compute);

/// The scale of each row of a W8A8-row matrix [rows, cols].
std::vector<float> row_scales(const tensor::Weight& w);

/// One row of sums at the end of `out`.
void append_sums(std::span<const std::int32_t> sums, Bytes& out);

}  // namespace cairn::audit
