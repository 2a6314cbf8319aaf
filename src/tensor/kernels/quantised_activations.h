// The activations of a product with quantised weights (N2), in the order in which the kernels
// read them. Columns are cut into runs; in a run, tiles of rows follow each other, D::kTileRows
// high and at the end lower; in a tile, groups follow each other. Everything is 32-bit words, a
// word per row of the tile beside the other rows' words, so that a kernel walks one pointer:
//
//   groups    per group {scale, start[kStarts], 8 steps of 4 quants}
//   W8A8-row  before all runs {scale, start} per tile; the steps, with zeros up to a multiple of 8
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

/// The height of the next tile to try when a tile of `rows` rows no longer fits.
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

/// Where everything lies in the memory of `rows` rows of `groups` groups.
struct ActivationLayout {
    WeightType type;
    std::size_t rows, groups;

    ActivationLayout(WeightType weight_type, std::size_t row_count, std::size_t cols)
        : type(weight_type), rows(row_count), groups((cols + kQuantGroup - 1) / kQuantGroup) {}

    /// Words of a group before its steps: the scale, and one start or two.
    std::size_t record_head() const {
        return type == WeightType::kW8A8Row ? 0 : type == WeightType::kQ6K ? 3 : 2;
    }
    std::size_t group_words() const { return record_head() + kQuantGroup / kQuantStep; }
    /// Words before the runs, the same for every row.
    std::size_t row_head() const { return type == WeightType::kW8A8Row ? 2 : 0; }
    /// How many groups the run that begins at `group` has: as many whole chunks of weights as stay
    /// in the first-level cache, or the last chunk where it is not whole.
    std::size_t run_groups(std::size_t group) const {
        constexpr std::size_t kRunColumns = 1024;
        const std::size_t chunk = chunk_columns(type) / kQuantGroup;
        const std::size_t left = groups - group;
        return left < chunk ? left : std::min(kRunColumns / kQuantGroup, left / chunk * chunk);
    }
    /// The first word of the tile that begins at row `row` in the run of `count` groups at `group`.
    std::size_t tile_at(std::size_t group, std::size_t count, std::size_t row) const {
        return rows * row_head() + (group * rows + count * row) * group_words();
    }
    std::size_t words() const { return tile_at(groups, 0, 0); }
};

inline std::size_t activation_bytes(WeightType type, std::size_t rows, std::size_t cols) {
    return ActivationLayout(type, rows, cols).words() * sizeof(std::int32_t);
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

/// Activations that are quantised together: a group.
struct QuantisedActivations {
    alignas(32) std::int8_t q[kQuantGroup];
    float scale;
    std::int32_t low_sum, high_sum;  ///< of the first and the last 16 quants
};

/// A kernel set may have a quicker quantise_group().
template <typename D>
inline void quantise_group(const float* x, QuantisedActivations& group) {
    if constexpr (requires { D::quantise_group(x, group); }) {
        D::quantise_group(x, group);
    } else {
        group.scale = activation_scale(x, kQuantGroup);
        quantise_values(x, kQuantGroup, group.scale, group.q);
        group.low_sum = sum_of(group.q, 16);
        group.high_sum = sum_of(group.q + 16, 16);
    }
}

/// One row's group into a tile of `height` rows.
template <typename D>
inline void write_group(WeightType type, const float* x, std::size_t height, std::int32_t* out) {
    QuantisedActivations group;
    quantise_group<D>(x, group);
    *out = std::bit_cast<std::int32_t>(group.scale);
    out += height;
    const std::int32_t sum = group.low_sum + group.high_sum;
    if (type == WeightType::kQ6K) {
        *out = -32 * group.low_sum;
        out += height;
        *out = -32 * group.high_sum;
    } else if (has_minima(type)) {
        *out = std::bit_cast<std::int32_t>(-(static_cast<float>(sum) * group.scale));
    } else {
        *out = -quant_bias(type) * sum;
    }
    out += height;
    for (std::size_t step = 0; step < kQuantGroup / kQuantStep; ++step, out += height)
        std::memcpy(out, group.q + step * kQuantStep, kQuantStep);
}

/// One row's group of W8A8-row, of `count` columns; the sum of its quants.
inline std::int32_t write_steps(const float* x, std::size_t count, float scale, std::size_t height,
                                std::int32_t* out) {
    std::int8_t q[kQuantGroup] = {};
    if (count == kQuantGroup)
        quantise_values(x, kQuantGroup, scale, q);
    else
        quantise_values(x, count, scale, q);
    for (std::size_t step = 0; step < kQuantGroup / kQuantStep; ++step, out += height)
        std::memcpy(out, q + step * kQuantStep, kQuantStep);
    return sum_of(q, kQuantGroup);
}

template <typename D>
void quantise_row(const ActivationLayout& layout, const float* x, std::size_t cols, std::size_t row,
                  TileOfRow tile, std::int32_t* words) {
    const bool w8a8 = layout.type == WeightType::kW8A8Row;
    const float scale = w8a8 ? activation_scale(x, cols) : 0.0F;
    std::int32_t sum = 0;
    for (std::size_t group = 0, count = 0; group < layout.groups; group += count) {
        count = layout.run_groups(group);
        std::int32_t* out = words + layout.tile_at(group, count, tile.first) + (row - tile.first);
        for (std::size_t g = group; g < group + count; ++g) {
            const std::size_t k = g * kQuantGroup;
            if (w8a8)
                sum += write_steps(x + k, std::min(kQuantGroup, cols - k), scale, tile.height, out);
            else
                write_group<D>(layout.type, x + k, tile.height, out);
            out += layout.group_words() * tile.height;
        }
    }
    if (!w8a8) return;
    std::int32_t* head = words + tile.first * layout.row_head() + (row - tile.first);
    *head = std::bit_cast<std::int32_t>(scale);
    head[tile.height] = -128 * sum;
}

template <typename D>
void quantise_rows(WeightType type, ConstMatrix a, std::size_t begin, std::size_t end,
                   void* activations) {
    const ActivationLayout layout(type, a.rows, a.cols);
    for (std::size_t i = begin; i < end; ++i)
        quantise_row<D>(layout, a.row(i), a.cols, i, tile_of_row(D::kTileRows, i, a.rows),
                        static_cast<std::int32_t*>(activations));
}

}  // namespace cairn::tensor::kernels
