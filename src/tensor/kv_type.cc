#include "tensor/kv_type.h"

#include <bit>
#include <string>

#include "tensor/elementary_constants.h"

namespace cairn::tensor {

namespace {

constexpr std::uint32_t kSign = 0x80000000U;
constexpr std::uint32_t kInfinity = 0x7F800000U;

/// bits / 2^shift to nearest even, for values below 2^32 - 2^shift.
std::uint32_t shift_right_even(std::uint32_t bits, int shift) {
    const std::uint32_t half = (1U << (shift - 1)) - 1U;
    return (bits + half + (bits >> shift & 1U)) >> shift;
}

}  // namespace

std::string_view kv_type_name(KvType type) {
    switch (type) {
        case KvType::kF32:
            return "f32";
        case KvType::kF16:
            return "f16";
        case KvType::kBf16:
            return "bf16";
        case KvType::kDigits:
            return "digits";
    }
    return "unknown";
}

Result<KvType> parse_kv_type(std::string_view name) {
    for (const KvType type : kKvTypes)
        if (name == kv_type_name(type)) return type;
    std::string all;
    for (const KvType type : kKvTypes)
        all += (all.empty() ? "" : ", ") + std::string(kv_type_name(type));
    return invalid("unknown cache type '" + std::string(name) + "'; the types are " + all);
}

std::size_t kv_type_bytes(KvType type) { return type == KvType::kF32 ? 4 : 2; }

std::uint16_t f32_to_f16(float x) {
    const auto bits = std::bit_cast<std::uint32_t>(x);
    const std::uint32_t sign = (bits & kSign) >> 16;
    const std::uint32_t magnitude = bits & ~kSign;
    std::uint32_t half = 0;
    if (magnitude > kInfinity) {
        return 0x7E00U;  // NaN
    } else if (magnitude == kInfinity) {
        half = 0x7C00U;
    } else if (magnitude >= 0x477FF000U) {  // would round to 65536 or more
        half = 0x7BFFU;
    } else if (magnitude >= 0x38800000U) {  // normal in f16: rebias by 127 - 15
        half = shift_right_even(magnitude - 0x38000000U, 13);
    } else if (magnitude >= 0x33000000U) {  // subnormal in f16: units of 2^-24
        const auto exponent = static_cast<int>(magnitude >> 23);
        half = shift_right_even((magnitude & 0x007FFFFFU) | 0x00800000U, 126 - exponent);
    }
    return static_cast<std::uint16_t>(sign | half);
}

float f16_to_f32(std::uint16_t bits) {
    const std::uint32_t sign = (std::uint32_t{bits} & 0x8000U) << 16;
    const std::uint32_t magnitude = bits & 0x7FFFU;
    if (magnitude > 0x7C00U) return std::bit_cast<float>(kNanBits);
    if (magnitude == 0x7C00U) return std::bit_cast<float>(sign | kInfinity);
    if (magnitude >= 0x0400U) return std::bit_cast<float>(sign | ((magnitude << 13) + 0x38000000U));
    const float value = static_cast<float>(magnitude) * 0x1p-24F;
    return sign != 0 ? -value : value;
}

std::uint16_t f32_to_bf16(float x) {
    const auto bits = std::bit_cast<std::uint32_t>(x);
    const std::uint32_t sign = (bits & kSign) >> 16;
    const std::uint32_t magnitude = bits & ~kSign;
    if (magnitude > kInfinity) return 0x7FC0U;
    std::uint32_t rounded = shift_right_even(magnitude, 16);
    if (magnitude < kInfinity && rounded >= 0x7F80U) rounded = 0x7F7FU;
    return static_cast<std::uint16_t>(sign | rounded);
}

float bf16_to_f32(std::uint16_t bits) {
    const float value = std::bit_cast<float>(std::uint32_t{bits} << 16);
    return value == value ? value : std::bit_cast<float>(kNanBits);
}

void round_to_kv_type(KvType type, std::size_t count, float* x) {
    CHECK(type != KvType::kDigits);
    if (type == KvType::kF16)
        for (std::size_t i = 0; i < count; ++i) x[i] = f16_to_f32(f32_to_f16(x[i]));
    if (type == KvType::kBf16)
        for (std::size_t i = 0; i < count; ++i) x[i] = bf16_to_f32(f32_to_bf16(x[i]));
}

}  // namespace cairn::tensor
