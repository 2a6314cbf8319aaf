// What the codecs of the chain do on average, by their own code: papers A: Table 1 for them, and
// what payloads of one bit decode to.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "papers/result_table.h"

namespace cairn::lab {

/// Means over every matrix that the codecs' own code can draw, at small sizes.
papers::ResultTable codec_table();

/// Payloads of signs alone, `seeds` of them for each row: by one rotation, by two, or with a
/// dither.
Result<papers::ResultTable> one_bit_table(std::uint64_t seeds);

}  // namespace cairn::lab
