// Exact inner products of integer vectors, in 128 bits: scores and norms that consensus reads.
#pragma once

#include <cstdint>
#include <span>

#include "base/int128.h"

namespace cairn::consensus {

/// <a, b>; CHECKs equal sizes. No value overflows: 2^36 products of 62 bits fit in 128.
Int128 dot(std::span<const std::int32_t> a, std::span<const std::int32_t> b);

/// floor(sqrt(<a, a>)): the norm of a delta, unit 2^-24.
std::uint64_t norm(std::span<const std::int32_t> a);

/// floor(sqrt(value)); CHECKs that the value is not negative. Values reach 2^126.
std::uint64_t integer_sqrt(Int128 value);

}  // namespace cairn::consensus
