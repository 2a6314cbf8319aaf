// CONSENSUS: changing a result here splits the network.
#include "chain/target.h"

#include <algorithm>

namespace cairn::chain {

Result<U256> target_from_compact(std::uint32_t compact) {
    const std::uint32_t exponent = compact >> 24;
    const std::uint32_t mantissa = compact & 0xffffff;
    if (exponent < 3 || exponent > 32) return invalid("compact target: exponent must be 3 to 32");
    if (mantissa < 0x10000)
        return invalid(
            "compact target: the mantissa's top byte must not be zero (0x1f00ffff is spelled "
            "0x1effff00)");
    return U256::shifted(mantissa, 8 * (static_cast<int>(exponent) - 3));
}

std::uint32_t compact_from_target(const U256& target) {
    const int bytes = std::max(3, (target.bit_length() + 7) / 8);
    const auto mantissa = static_cast<std::uint32_t>(target.shifted_right(8 * (bytes - 3)).low64());
    if (mantissa < 0x10000) return 0x03010000;
    return static_cast<std::uint32_t>(bytes) << 24 | mantissa;
}

bool meets_target(const Hash256& hash, const U256& target) {
    return U256::from_big_endian(hash) <= target;
}

}  // namespace cairn::chain
