// How fast this machine carries one session's states through layers: what a server announces, and
// what admission and placement go by (serve/placement.h).
#pragma once

#include <algorithm>

#include "base/clock.h"
#include "serve/model_snapshot.h"
#include "tensor/compute.h"

namespace cairn::serve {

struct Measured {
    double rows_per_s = 0;   ///< layer-rows a second, decoding one row at a time
    std::uint64_t rows = 0;  ///< that were computed for it
    double seconds = 0;
};

/// Whole numbers; 0 only if it is not known at all.
inline std::uint32_t announced_speed(double rows_per_s) {
    return rows_per_s > 0 ? static_cast<std::uint32_t>(std::clamp(rows_per_s, 1.0, 4e9)) : 0;
}

/// Decodes through `layers`, which the snapshot has, for about `budget_ms`, at positions around
/// `context`, a session's usual length (less where the model's context is shorter). Takes the cache
/// of one session; what is in it does not matter to the speed. The snapshot should be packed as it
/// is served (keep_layers).
Measured measure_rows(const ModelSnapshot& snapshot, model::LayerRange layers,
                      const tensor::Compute& compute, const Clock& clock,
                      std::uint64_t budget_ms = 1'000, std::uint32_t context = 256);

}  // namespace cairn::serve
