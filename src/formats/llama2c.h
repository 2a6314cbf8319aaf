// Reading llama2.c's checkpoints (the legacy .bin without a magic number): seven int32 (dim,
// hidden, layers, heads, kv heads, vocabulary (negative: own head), context), then fp32 tensors
// grouped by kind over the layers, two rope tables that we compute ourselves, and the head.
// Rope is interleaved, theta 10000, eps 1e-5.
#pragma once

#include "formats/source.h"
#include "model/weights.h"

namespace cairn::formats {

/// kInvalid unless the header is plausible and the file has exactly the length that it implies.
Result<model::Model> read_llama2c(const Source& source);

}  // namespace cairn::formats
