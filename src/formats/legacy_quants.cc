#include "formats/legacy_quants.h"

#include <bit>
#include <cstring>

#include "tensor/kv_type.h"

namespace cairn::formats {

namespace {

constexpr std::size_t kScaleBytes = 2;
constexpr std::size_t kHighBytes = 4;
constexpr std::size_t kNibbleBytes = kLegacyGroup / 2;

bool has_minimum(LegacyQuant type) { return type != LegacyQuant::kQ5_0; }
bool has_high_bits(LegacyQuant type) { return type != LegacyQuant::kQ4_1; }

std::size_t block_bytes(LegacyQuant type) {
    return kScaleBytes + (has_minimum(type) ? kScaleBytes : 0) +
           (has_high_bits(type) ? kHighBytes : 0) + kNibbleBytes;
}

std::uint16_t load_u16(const std::uint8_t* at) {
    return static_cast<std::uint16_t>(at[0] | at[1] << 8U);
}

// The 32 numbers of a block: four bits, or five.
void unpack(LegacyQuant type, const std::uint8_t* block, int* numbers) {
    const std::uint8_t* nibbles = block + block_bytes(type) - kNibbleBytes;
    for (std::size_t i = 0; i < kNibbleBytes; ++i) {
        numbers[i] = nibbles[i] & 15;
        numbers[i + kNibbleBytes] = nibbles[i] >> 4;
    }
    if (!has_high_bits(type)) return;
    const std::uint8_t* high = nibbles - kHighBytes;
    for (std::size_t i = 0; i < kLegacyGroup; ++i) numbers[i] += (high[i / 8] >> (i % 8) & 1) * 16;
}

}  // namespace

std::size_t legacy_row_bytes(LegacyQuant type, std::size_t cols) {
    CHECK(cols % kLegacyGroup == 0);
    return cols / kLegacyGroup * block_bytes(type);
}

tensor::WeightType converted_type(LegacyQuant type) {
    return has_minimum(type) ? tensor::WeightType::kF32 : tensor::WeightType::kQ8_0;
}

void convert_legacy_row(LegacyQuant type, std::size_t cols, const std::uint8_t* from,
                        std::uint8_t* to) {
    int numbers[kLegacyGroup];
    for (std::size_t done = 0; done < cols; done += kLegacyGroup, from += block_bytes(type)) {
        unpack(type, from, numbers);
        if (!has_minimum(type)) {
            std::memcpy(to, from, kScaleBytes);
            to += kScaleBytes;
            for (const int number : numbers)
                *to++ = std::bit_cast<std::uint8_t>(static_cast<std::int8_t>(number - 16));
            continue;
        }
        const float scale = tensor::f16_to_f32(load_u16(from));
        const float minimum = tensor::f16_to_f32(load_u16(from + kScaleBytes));
        for (const int number : numbers) {
            const float value = scale * static_cast<float>(number) + minimum;
            std::memcpy(to, &value, sizeof value);
            to += sizeof value;
        }
    }
}

}  // namespace cairn::formats
