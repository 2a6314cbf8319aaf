// Quantisers, for exports and conversions: quantise() of quantised.h.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <string>

#include "tensor/kv_type.h"
#include "tensor/quantised.h"
#include "tensor/quantised_format.h"

namespace cairn::tensor {

namespace {

/// The nearest integer, halves away from zero, of |x| < 2^31.
std::int32_t round_half_away(float x) {
    const auto toward_zero = static_cast<std::int32_t>(x);
    const float rest = x - static_cast<float>(toward_zero);  // exact
    return toward_zero + (rest >= 0.5F ? 1 : rest <= -0.5F ? -1 : 0);
}

/// The nearest integer, halves to even, of |x| < 2^22.
std::int32_t round_half_even(float x) {
    constexpr float kShift = 12582912.0F;  // 3 * 2^22: the sum's last bit is worth 1
    return static_cast<std::int32_t>((x + kShift) - kShift);
}

/// 1 / d, or 0 where that is no finite number: such a d is 0 as an f16 anyway.
float inverse(float d) {
    if (std::fabs(d) < 0x1p-126F) return 0.0F;
    return 1.0F / d;
}

/// The value of largest magnitude, the first of equals. Bits of magnitudes compare as numbers do,
/// with infinity and NaN above all.
float extreme(const float* x, std::size_t count) {
    std::uint32_t largest = 0;
    float found = 0.0F;
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint32_t magnitude = std::bit_cast<std::uint32_t>(x[i]) & 0x7FFFFFFFU;
        if (magnitude <= largest) continue;
        largest = magnitude;
        found = x[i];
    }
    return found;
}

void write_scale(float d, std::uint8_t* out) {
    const std::uint16_t bits = f32_to_f16(d);
    std::memcpy(out, &bits, sizeof bits);
}

void write_nibbles(const std::int32_t* q, std::uint8_t* out) {
    for (std::size_t i = 0; i < 16; ++i)
        out[i] = static_cast<std::uint8_t>((q[i] & 15) | (q[i + 16] & 15) << 4);
}

void write_fifth_bits(const std::int32_t* q, std::uint8_t* out) {
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < kQuantGroup; ++i)
        bits |= (static_cast<std::uint32_t>(q[i]) >> 4 & 1U) << i;
    std::memcpy(out, &bits, sizeof bits);
}

void quantise_q8_0(const float* x, float d, std::uint8_t* block) {
    const float id = inverse(d);
    write_scale(d, block);
    for (std::size_t i = 0; i < kQuantGroup; ++i)
        block[2 + i] = static_cast<std::uint8_t>(round_half_away(x[i] * id));
}

/// q = floor(x / d + 8.5), at most 15: the extreme value becomes 0, whatever its sign.
void quantise_q4_0(const float* x, float d, std::uint8_t* block) {
    const float id = inverse(d);
    write_scale(d, block);
    std::int32_t q[kQuantGroup];
    for (std::size_t i = 0; i < kQuantGroup; ++i) {
        q[i] = static_cast<std::int32_t>(std::fma(x[i], id, 8.5F));
        if (q[i] > 15) q[i] = 15;
    }
    write_nibbles(q, block + 2);
}

/// As Q4_0, with 16 for 8.
void quantise_q5_0(const float* x, float d, std::uint8_t* block) {
    const float id = inverse(d);
    write_scale(d, block);
    std::int32_t q[kQuantGroup];
    for (std::size_t i = 0; i < kQuantGroup; ++i)
        q[i] = std::min(static_cast<std::int32_t>(std::fma(x[i], id, 16.5F)), 31);
    write_fifth_bits(q, block + 2);
    write_nibbles(q, block + 6);
}

/// q = floor((x - m) / d + 1/2), from the smallest value to the largest.
void quantise_with_minimum(const float* x, float d, float m, WeightType type, std::uint8_t* block) {
    const float id = inverse(d);
    const std::int32_t most = type == WeightType::kQ4_1 ? 15 : 31;
    write_scale(d, block);
    write_scale(m, block + 2);
    std::int32_t q[kQuantGroup];
    for (std::size_t i = 0; i < kQuantGroup; ++i)
        q[i] = std::min(static_cast<std::int32_t>(std::fma(x[i] - m, id, 0.5F)), most);
    if (type == WeightType::kQ5_1) write_fifth_bits(q, block + 4);
    write_nibbles(q, block + (type == WeightType::kQ5_1 ? 8 : 4));
}

/// One block; false where a scale would be no finite f16.
bool quantise_block(const float* x, WeightType type, std::uint8_t* block) {
    constexpr float kLargestScale = 65504.0F;
    const float most = extreme(x, kQuantGroup);
    if (type == WeightType::kQ4_1 || type == WeightType::kQ5_1) {
        const auto [low, high] = std::minmax_element(x, x + kQuantGroup);
        const float d = (*high - *low) / (type == WeightType::kQ4_1 ? 15.0F : 31.0F);
        if (!(std::fabs(most) <= kLargestScale)) return false;
        quantise_with_minimum(x, d, *low, type, block);
        return true;
    }
    const float d = type == WeightType::kQ8_0   ? std::fabs(most) / 127.0F
                    : type == WeightType::kQ4_0 ? most / -8.0F
                                                : most / -16.0F;
    if (!(std::fabs(d) <= kLargestScale)) return false;
    if (type == WeightType::kQ8_0)
        quantise_q8_0(x, d, block);
    else if (type == WeightType::kQ4_0)
        quantise_q4_0(x, d, block);
    else
        quantise_q5_0(x, d, block);
    return true;
}

Status quantise_groups(ConstMatrix values, WeightType type, std::uint8_t* out) {
    for (std::size_t i = 0; i < values.rows; ++i) {
        for (std::size_t k = 0; k < values.cols; k += kQuantGroup) {
            if (!quantise_block(values.row(i) + k, type, out))
                return invalid("weights of row " + std::to_string(i) +
                               " are not finite or too "
                               "large for " +
                               std::string(weight_type_name(type)));
            out += weight_row_bytes(type, kQuantGroup);
        }
    }
    return ok_status();
}

Status quantise_w8a8(ConstMatrix values, std::uint8_t* out) {
    if (values.cols > kMaxW8A8Columns)
        return invalid("w8a8-row holds at most 131072 columns, not " + std::to_string(values.cols));
    for (std::size_t i = 0; i < values.rows; ++i, out += 4 + values.cols) {
        const float* x = values.row(i);
        const float most = std::fabs(extreme(x, values.cols));
        if (!(most <= 3.402823466e38F))
            return invalid("weights of row " + std::to_string(i) + " are not finite");
        const float scale = most < 0x1p-100F ? 0.0F : most / 127.0F;
        std::memcpy(out, &scale, sizeof scale);
        for (std::size_t k = 0; k < values.cols; ++k) {
            const std::int32_t q = scale > 0.0F ? round_half_even(x[k] / scale) : 0;
            out[4 + k] = static_cast<std::uint8_t>(q > 127 ? 127 : q < -127 ? -127 : q);
        }
    }
    return ok_status();
}

}  // namespace

Status quantise(ConstMatrix values, WeightType type, void* out) {
    CHECK(values.cols % weight_group(type) == 0);
    auto* bytes = static_cast<std::uint8_t*>(out);
    if (type == WeightType::kW8A8Row) return quantise_w8a8(values, bytes);
    if (weight_group(type) == kQuantGroup) return quantise_groups(values, type, bytes);
    return Error{ErrorCode::kUnsupported,
                 "this build cannot write " + std::string(weight_type_name(type))};
}

}  // namespace cairn::tensor
