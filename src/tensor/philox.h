// Philox4x32-10 (Salmon et al. 2011): random numbers as a function of a seed and a counter, so
// that any of them can be computed anywhere without the ones before it (N9).
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace cairn::tensor {

/// The generator itself: counter and key as in the paper.
std::array<std::uint32_t, 4> philox4x32(const std::array<std::uint32_t, 4>& counter,
                                        const std::array<std::uint32_t, 2>& key);

/// Four words for (seed, stream, index): the key is the seed; the counter is index and stream, low
/// words first.
std::array<std::uint32_t, 4> philox(std::uint64_t seed, std::uint64_t stream, std::uint64_t index);
/// The first two of these words, low first.
std::uint64_t philox_u64(std::uint64_t seed, std::uint64_t stream, std::uint64_t index);

/// The high half of a 128-bit product: maps a uniform u64 to [0, bound).
std::uint64_t mulhi64(std::uint64_t a, std::uint64_t b);

/// out[i] = scale * the i-th standard normal number of (seed, stream): Box-Muller in double, one
/// rounding. How weights are initialised.
void philox_normal(std::uint64_t seed, std::uint64_t stream, double scale, std::span<float> out);
/// out[i] uniform in [low, high).
void philox_uniform(std::uint64_t seed, std::uint64_t stream, float low, float high,
                    std::span<float> out);

}  // namespace cairn::tensor
