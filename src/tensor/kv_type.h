// Types of the KV cache, the narrow ones for activations on the wire, too (N5): values are
// rounded once to nearest even and read back before any use, so that every split of a sequence or
// of a model over machines agrees. A finite value beyond the type's range becomes its largest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace cairn::tensor {

/// kDigits: fixed-point numbers, over which attention is by digits (digits.h, N49).
enum class KvType : std::uint8_t { kF32 = 0, kF16 = 1, kBf16 = 2, kDigits = 3 };
inline constexpr auto kLastKvType = static_cast<std::uint8_t>(KvType::kDigits);
inline constexpr KvType kKvTypes[] = {KvType::kF32, KvType::kF16, KvType::kBf16, KvType::kDigits};

std::string_view kv_type_name(KvType type);
Result<KvType> parse_kv_type(std::string_view name);
/// 4 or 2.
std::size_t kv_type_bytes(KvType type);

std::uint16_t f32_to_f16(float x);
float f16_to_f32(std::uint16_t bits);
std::uint16_t f32_to_bf16(float x);
float bf16_to_f32(std::uint16_t bits);

/// x[i] becomes the value that the type would give back; not for kDigits, where keys and values
/// differ.
void round_to_kv_type(KvType type, std::size_t count, float* x);

}  // namespace cairn::tensor
