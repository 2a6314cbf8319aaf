// Numbers in double precision from a Random: for simulations and figures, whose seeds are written
// down with what they gave. The bits of the model never come from here (tensor/philox.h).
#pragma once

#include "base/random.h"

namespace cairn {

/// Uniform in [0, 1), 53 bits.
inline double uniform(Random& random) { return static_cast<double>(random.u64() >> 11) * 0x1p-53; }

}  // namespace cairn
