// CONSENSUS: changing a result here splits the network.
//
// The activations of a product with quantised weights (rule 2), in the order in which the kernels
// read them. Rows lie in tiles of D::kTileRows, what is left at the end in lower ones. Everything
// is 32-bit words, a word per row of the tile beside the other rows' words, so that a kernel walks
// one pointer:
//
//   groups    per group {scale, start[kStarts], 8 steps of 4 quants}
//   W8A8-row  {scale, start} once, then the steps, with zeros up to a multiple of 8
//
// A start is what the sums of products with unsigned quants begin at, -bias * sum(q); for formats
// with minima it is -(float(sum(q)) * scale).
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "tensor/matrix.h"
#include "tensor/quantised_format.h"

namespace cairn::tensor::kernels {

/// The tile after one of `rows` rows, where fewer are left.
constexpr std::size_t lower_tile(std::size_t rows) { return rows > 4 ? 4 : rows / 2; }

/// The tile that holds row i of `rows`: its first row and its height.
struct TileOfRow {
    std::size_t first, height;
};

inline TileOfRow tile_of_row(std::size_t tile_rows, std::size_t i, std::size_t rows) {
    TileOfRow tile{i / tile_rows * tile_rows, tile_rows};
    while (tile.first + tile.height > rows || i >= tile.first + tile.height) {
        if (tile.first + tile.height <= rows)
            tile.first += tile.height;
        else
            tile.height = lower_tile(tile.height);
    }
    return tile;
}

/// Words before the steps: the scale, and one start or two.
inline std::size_t record_head(WeightType type) { return type == WeightType::kQ6K ? 3 : 2; }

/// Words that one row takes.
inline std::size_t row_words(WeightType type, std::size_t cols) {
    constexpr std::size_t kSteps = kQuantGroup / kQuantStep;
    const std::size_t groups = (cols + kQuantGroup - 1) / kQuantGroup;
    if (type == WeightType::kW8A8Row) return record_head(type) + groups * kSteps;
    return groups * (record_head(type) + kSteps);
}

inline std::size_t activation_bytes(WeightType type, std::size_t rows, std::size_t cols) {
    return rows * row_words(type, cols) * sizeof(std::int32_t);
}

/// The scale of `count` activations that are quantised together. Bits of magnitudes compare as
/// numbers do, with infinity and NaN above all.
inline float activation_scale(const float* x, std::size_t count) {
    std::uint32_t largest = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint32_t magnitude = std::bit_cast<std::uint32_t>(x[i]) & 0x7FFFFFFFU;
        largest = std::max(largest, magnitude);
    }
    if (largest >= 0x7F800000U) return std::bit_cast<float>(0x7FC00000U);
    const float most = std::bit_cast<float>(largest);
    return most < 0x1p-100F ? 0.0F : most / 127.0F;
}

/// q[i] = x[i] / scale, rounded half to even and clamped. Adding 3 * 2^22 makes the last bit of the
/// sum worth 1, so the addition rounds.
inline void quantise_values(const float* x, std::size_t count, float scale, std::int8_t* q) {
    if (!(scale > 0.0F)) {
        std::memset(q, 0, count);
        return;
    }
    constexpr float kShift = 12582912.0F;
    for (std::size_t i = 0; i < count; ++i) {
        const auto bits = std::bit_cast<std::int32_t>(x[i] / scale + kShift);
        const std::int32_t rounded = bits - std::bit_cast<std::int32_t>(kShift);
        q[i] = static_cast<std::int8_t>(std::min(std::max(rounded, -127), 127));
    }
}

inline std::int32_t sum_of(const std::int8_t* q, std::size_t count) {
    std::int32_t sum = 0;
    for (std::size_t i = 0; i < count; ++i) sum += q[i];
    return sum;
}

/// The first word of the next record's row, after one group of 32.
inline std::int32_t* write_group(WeightType type, const float* x, std::size_t height,
                                 std::int32_t* out) {
    std::int8_t q[kQuantGroup];
    const float scale = activation_scale(x, kQuantGroup);
    quantise_values(x, kQuantGroup, scale, q);
    *out = std::bit_cast<std::int32_t>(scale);
    out += height;
    const std::int32_t low = sum_of(q, 16);
    const std::int32_t high = sum_of(q + 16, 16);
    if (type == WeightType::kQ6K) {
        *out = -quant_bias(type) * low;
        out += height;
        *out = -quant_bias(type) * high;
    } else if (type == WeightType::kQ4K || type == WeightType::kQ5K) {
        *out = std::bit_cast<std::int32_t>(-(static_cast<float>(low + high) * scale));
    } else {
        *out = -quant_bias(type) * (low + high);
    }
    out += height;
    for (std::size_t step = 0; step < kQuantGroup / kQuantStep; ++step, out += height)
        std::memcpy(out, q + step * kQuantStep, kQuantStep);
    return out;
}

inline void write_w8a8_row(const float* x, std::size_t cols, std::size_t height,
                           std::int32_t* out) {
    constexpr std::size_t kPart = 256;
    const float scale = activation_scale(x, cols);
    *out = std::bit_cast<std::int32_t>(scale);
    std::int32_t* start = out + height;
    out = start + height;
    std::int32_t sum = 0;
    for (std::size_t k = 0; k < cols; k += kPart) {
        std::int8_t q[kPart] = {};
        const std::size_t count = std::min(kPart, cols - k);
        quantise_values(x + k, count, scale, q);
        sum += sum_of(q, count);
        const std::size_t padded = (count + kQuantGroup - 1) / kQuantGroup * kQuantGroup;
        for (std::size_t i = 0; i < padded; i += kQuantStep, out += height)
            std::memcpy(out, q + i, kQuantStep);
    }
    *start = -quant_bias(WeightType::kW8A8Row) * sum;
}

template <std::size_t kTileRows>
void quantise_rows(WeightType type, ConstMatrix a, std::size_t begin, std::size_t end,
                   void* activations) {
    auto* const words = static_cast<std::int32_t*>(activations);
    for (std::size_t i = begin; i < end; ++i) {
        const auto [first, height] = tile_of_row(kTileRows, i, a.rows);
        std::int32_t* out = words + first * row_words(type, a.cols) + (i - first);
        if (type == WeightType::kW8A8Row) {
            write_w8a8_row(a.row(i), a.cols, height, out);
        } else {
            for (std::size_t k = 0; k < a.cols; k += kQuantGroup)
                out = write_group(type, a.row(i) + k, height, out);
        }
    }
}

}  // namespace cairn::tensor::kernels
