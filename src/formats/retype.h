// The same model with other types of weights or the other pairing of rotary positions, in memory of
// its own: for checkpoints of ours in a smaller type, and for comparing models that store their
// rows in different orders.
#pragma once

#include <optional>

#include "formats/write_options.h"
#include "model/weights.h"

namespace cairn::formats {

/// Matrices as `type` (none: as they are), rows of queries and keys permuted exactly to
/// `rope_interleaved`. kInvalid for values that the type cannot hold.
Result<model::Model> retype(const model::Model& model, std::optional<tensor::WeightType> type,
                            bool rope_interleaved, const WriteProgress& progress = {});

}  // namespace cairn::formats
