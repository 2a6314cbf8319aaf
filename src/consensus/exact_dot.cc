// CONSENSUS: changing a result here splits the network.
#include "consensus/exact_dot.h"

#include <algorithm>

#include "base/check.h"

namespace cairn::consensus {

namespace {

// A block's partial sums fit int64: |a| < 2^31 and the halves of b are below 2^16, so a block of
// 2^12 products stays below 2^59.
constexpr std::size_t kBlock = 4096;

struct Halves {
    std::int64_t high = 0;
    std::int64_t low = 0;
};

Halves dot_block(const std::int32_t* a, const std::int32_t* b, std::size_t count) {
    Halves sum;
    for (std::size_t i = 0; i < count; ++i) {
        sum.high += std::int64_t{a[i]} * (b[i] >> 16);
        sum.low += std::int64_t{a[i]} * (b[i] & 0xFFFF);
    }
    return sum;
}

}  // namespace

Int128 dot(std::span<const std::int32_t> a, std::span<const std::int32_t> b) {
    CHECK(a.size() == b.size());
    Int128 sum = 0;
    for (std::size_t at = 0; at < a.size(); at += kBlock) {
        const std::size_t count = std::min(kBlock, a.size() - at);
        const Halves part = dot_block(a.data() + at, b.data() + at, count);
        sum += static_cast<Int128>(part.high) * 65536 + part.low;
    }
    return sum;
}

std::uint64_t norm(std::span<const std::int32_t> a) { return integer_sqrt(dot(a, a)); }

std::uint64_t integer_sqrt(Int128 value) {
    CHECK(value >= 0);
    Int128 root = 0;
    for (int bit = 62; bit >= 0; --bit) {
        const Int128 candidate = root | (static_cast<Int128>(1) << bit);
        if (candidate * candidate <= value) root = candidate;
    }
    return static_cast<std::uint64_t>(root);
}

}  // namespace cairn::consensus
