// llama.cpp calls these block formats legacy. We have no kernels for them, but files have them:
// quantisers fall back to them where a row is no multiple of 256 (a Q4_K_M file of a model of width
// 896 has Q5_0). They are converted to another type when a file is read, into memory of their own:
//
//   Q5_0  {f16 d, 32 high bits, 32 nibbles}         d * (q - 16): exactly a block of Q8_0
//   Q4_1  {f16 d, f16 m, 32 nibbles}                d * q + m, rounded once: F32
//   Q5_1  {f16 d, f16 m, 32 high bits, 32 nibbles}  d * q + m, rounded once: F32
//
// Element i and i + 16 are in nibble byte i; high bit i is element i's.
#pragma once

#include "tensor/weight.h"

namespace cairn::formats {

enum class LegacyQuant : std::uint8_t { kQ4_1, kQ5_0, kQ5_1 };

/// Columns are a multiple of this.
inline constexpr std::size_t kLegacyGroup = 32;
std::size_t legacy_row_bytes(LegacyQuant type, std::size_t cols);
/// What a file's tensor of that type becomes.
tensor::WeightType converted_type(LegacyQuant type);
/// One row of `cols` elements, from legacy_row_bytes() to weight_row_bytes() of converted_type().
void convert_legacy_row(LegacyQuant type, std::size_t cols, const std::uint8_t* from,
                        std::uint8_t* to);

}  // namespace cairn::formats
