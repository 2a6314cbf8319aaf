// CONSENSUS: changing a result here splits the network.
//
// CONSENSUS: changing a result of unpack splits the network.
#include "codec/quantise.h"

#include <algorithm>

#include "base/int128.h"
#include "codec/codec.h"

namespace cairn::codec {

namespace {

std::int64_t magnitude(std::int64_t value) { return value < 0 ? -value : value; }

std::int64_t divide_half_away(std::int64_t value, std::int64_t divisor) {
    const std::int64_t rounded = (magnitude(value) + divisor / 2) / divisor;
    return value < 0 ? -rounded : rounded;
}

}  // namespace

std::int64_t shift_half_away(std::int64_t value, int shift) {
    const std::int64_t half = shift == 0 ? 0 : std::int64_t{1} << (shift - 1);
    const std::int64_t rounded = (magnitude(value) + half) >> shift;
    return value < 0 ? -rounded : rounded;
}

std::int32_t scaled_entry(std::int64_t sum, std::uint32_t scale, int shift) {
    const std::int64_t value = shift_half_away(sum * std::int64_t{scale}, shift);
    return static_cast<std::int32_t>(
        std::clamp<std::int64_t>(value, 1 - kDeltaLimit, kDeltaLimit - 1));
}

std::int32_t largest_value(std::uint32_t bits) {
    return bits == 1 ? 1 : (std::int32_t{1} << (bits - 1)) - 1;
}

std::uint32_t largest_scale(std::uint32_t bits) {
    return static_cast<std::uint32_t>((kDeltaLimit - 1) / largest_value(bits));
}

std::uint32_t quantise(std::span<const std::int64_t> z, std::uint32_t bits,
                       std::span<std::int32_t> q) {
    CHECK(z.size() == q.size());
    std::int64_t peak = 0;
    for (const std::int64_t value : z) peak = std::max(peak, magnitude(value));
    std::fill(q.begin(), q.end(), 0);
    if (peak == 0) return 0;

    const std::int64_t top = largest_value(bits);
    const std::int64_t limit = largest_scale(bits);
    const std::int64_t step = std::clamp<std::int64_t>((peak + top - 1) / top, 1, limit);
    Int128 square = 0;
    Int128 product = 0;
    for (std::size_t i = 0; i < z.size(); ++i) {
        const std::int64_t value = bits == 1 ? (z[i] < 0 ? -1 : 1) : divide_half_away(z[i], step);
        q[i] = static_cast<std::int32_t>(std::clamp<std::int64_t>(value, -top, top));
        square += static_cast<Int128>(z[i]) * z[i];
        product += static_cast<Int128>(z[i]) * q[i];
    }
    const Int128 scale = (square + product / 2) / product;
    return static_cast<std::uint32_t>(std::clamp<Int128>(scale, 1, limit));
}

void pack(std::span<const std::int32_t> q, std::uint32_t bits, Bytes& out) {
    CHECK(q.size() * bits % 8 == 0);
    const std::uint32_t mask = (1U << bits) - 1;
    std::uint32_t pending = 0;
    std::uint32_t held = 0;
    for (const std::int32_t value : q) {
        const std::uint32_t code =
            bits == 1 ? (value < 0 ? 1U : 0U) : static_cast<std::uint32_t>(value) & mask;
        pending |= code << held;
        for (held += bits; held >= 8; held -= 8) {
            out.push_back(static_cast<std::uint8_t>(pending));
            pending >>= 8;
        }
    }
}

Status unpack(ByteView packed, std::uint32_t bits, std::uint32_t scale, std::span<std::int32_t> q) {
    CHECK(packed.size() * 8 == q.size() * bits);
    std::uint8_t any_bit = 0;
    for (const std::uint8_t byte : packed) any_bit |= byte;
    if (scale == 0) {
        if (any_bit != 0) return invalid("codec: values under a scale of 0");
        std::fill(q.begin(), q.end(), 0);
        return ok_status();
    }
    if (bits == 1) {
        for (std::size_t i = 0; i < q.size(); ++i)
            q[i] = 1 - 2 * static_cast<std::int32_t>((packed[i / 8] >> (i % 8)) & 1U);
        return ok_status();
    }
    if (any_bit == 0) return invalid("codec: a scale without values");
    const std::int32_t lowest = -largest_value(bits) - 1;
    bool in_range = true;
    for (std::size_t i = 0; i < q.size(); ++i) {
        std::int32_t value = 0;
        if (bits == 16) {
            value = static_cast<std::int16_t>(packed[2 * i] | packed[2 * i + 1] << 8);
        } else if (bits == 8) {
            value = static_cast<std::int8_t>(packed[i]);
        } else {
            value = ((packed[i / 2] >> (4 * (i % 2)) & 0xF) ^ 8) - 8;
        }
        in_range = in_range && value != lowest;
        q[i] = value;
    }
    if (!in_range) return invalid("codec: a value outside the symmetric range");
    return ok_status();
}

}  // namespace cairn::codec
