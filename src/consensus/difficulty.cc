// CONSENSUS: changing a result here splits the network.
#include "consensus/difficulty.h"

#include <algorithm>

#include "base/check.h"
#include "base/int128.h"
#include "chain/target.h"
#include "consensus/model_seam.h"

namespace cairn::consensus {
namespace {

/// 2^(2^-i) * 2^63 to the nearest integer, i = 1 to 16.
constexpr std::uint64_t kRoots[16] = {
    0xb504f333f9de6484, 0x9837f0518db8a96f, 0x8b95c1e3ea8bd6e7, 0x85aac367cc487b15,
    0x82cd8698ac2ba1d7, 0x8164d1f3bc030773, 0x80b1ed4fd999ab6c, 0x8058d7d2d5e5f6b1,
    0x802c6436d0e04f51, 0x8016302f17467628, 0x800b179c82028fd1, 0x80058baf7fee3b5d,
    0x8002c5d00fdcfcb7, 0x800162e61bed4a49, 0x8000b17292f702a4, 0x800058b92abbae02};

/// floor(2^16 * difference / halflife), within what can still matter for 256 bits.
int exponent_q16(std::int64_t difference_ms, std::uint64_t halflife_ms) {
    const Int128 numerator = static_cast<Int128>(difference_ms) * 65536;
    const Int128 denominator = static_cast<Int128>(halflife_ms);
    Int128 quotient = numerator / denominator;
    if (numerator % denominator < 0) --quotient;
    constexpr Int128 kBound = 512 * 65536;
    return static_cast<int>(std::clamp<Int128>(quotient, -kBound, kBound));
}

}  // namespace

std::uint64_t exp2_fraction_q32(std::uint16_t fraction) {
    std::uint64_t product = std::uint64_t{1} << 63;
    for (unsigned i = 0; i < 16; ++i) {
        if (((fraction >> (15 - i)) & 1) == 0) continue;
        product = static_cast<std::uint64_t>((static_cast<Uint128>(product) * kRoots[i]) >> 63);
    }
    return product >> 31;
}

std::uint32_t next_target(const chain::NetworkDefinition& network, std::uint32_t parent_target,
                          std::int64_t dt_ms) {
    CHECK(chain::target_from_compact(parent_target).ok());
    const auto spacing = static_cast<std::int64_t>(network.spacing_ms);
    const std::int64_t capped = std::min(dt_ms, 10 * spacing);
    const int exponent = exponent_q16(capped - spacing, network.halflife_ms);
    const int whole = exponent >> 16;  // floor, also below zero
    const std::uint64_t factor = exp2_fraction_q32(static_cast<std::uint16_t>(exponent & 0xffff));
    // mantissa * factor has at most 24 + 33 bits, so only the final shift can overflow, and that
    // saturates.
    const std::uint64_t scaled = (parent_target & 0xffffff) * factor;
    const int shift = 8 * (static_cast<int>(parent_target >> 24) - 3) + whole - 32;
    const Result<chain::U256> limit = chain::target_from_compact(network.pow_limit);
    CHECK(limit.ok());
    return chain::compact_from_target(std::min(chain::U256::shifted(scaled, shift), *limit));
}

}  // namespace cairn::consensus
