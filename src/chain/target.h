// Compact targets: a 256-bit threshold in 32 bits, as exponent (high byte, base 256) and 24-bit
// mantissa: target = mantissa * 256^(exponent - 3). One spelling each: the mantissa's top byte is
// not zero, the exponent is 3 to 32, and there is no sign bit (0xff0000 is a valid mantissa).
#pragma once

#include <cstdint>

#include "base/result.h"
#include "chain/u256.h"

namespace cairn::chain {

/// kInvalid for zero, a second spelling or a target that needs more than 256 bits.
Result<U256> target_from_compact(std::uint32_t compact);
/// The largest compact value that is not above `target`; targets below 65536 become 65536, the
/// smallest that can be written.
std::uint32_t compact_from_target(const U256& target);
/// Whether a hash, read as a big-endian number, does not exceed the target.
bool meets_target(const Hash256& hash, const U256& target);

}  // namespace cairn::chain
