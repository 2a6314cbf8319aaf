// Values of a tile as a few bits each, with one integer scale: q * scale stands for z.
//
// CONSENSUS: changing a result of unpack splits the network.
#pragma once

#include <cstdint>
#include <span>

#include "base/bytes.h"

namespace cairn::codec {

/// value / 2^shift to the nearest, halves away from zero.
std::int64_t shift_half_away(std::int64_t value, int shift);
/// An entry of a delta: sum * scale / 2^shift, rounded so and clamped to +-(2^30 - 1). |sum *
/// scale| is below 2^62.
std::int32_t scaled_entry(std::int64_t sum, std::uint32_t scale, int shift);

/// Largest |q| at `bits`: 1 at one bit, else 2^(bits-1) - 1; -2^(bits-1) is never used.
std::int32_t largest_value(std::uint32_t bits);
/// Largest scale with which no q * scale reaches 2^30.
std::uint32_t largest_scale(std::uint32_t bits);

/// Fills q and returns the scale, for which <q * scale, z> = <z, z> up to rounding (so the
/// quantiser neither shrinks nor stretches on average). Zero z gives scale 0 and q = 0.
std::uint32_t quantise(std::span<const std::int64_t> z, std::uint32_t bits,
                       std::span<std::int32_t> q);

/// Appends q at `bits` each, lowest bits of a byte first, two's complement; at one bit 1 stands
/// for -1. q.size() * bits must be a multiple of 8.
void pack(std::span<const std::int32_t> q, std::uint32_t bits, Bytes& out);

/// The inverse of pack(). Refuses -2^(bits-1), values other than 0 under scale 0, and (above one
/// bit) nothing but zeros under another scale.
Status unpack(ByteView packed, std::uint32_t bits, std::uint32_t scale, std::span<std::int32_t> q);

}  // namespace cairn::codec
