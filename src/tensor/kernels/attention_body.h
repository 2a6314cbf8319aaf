// CONSENSUS: changing a result here splits the network.
//
// N4 over lanes V, forward. A block of queries of one head meets the keys in blocks of 64;
// lanes run across keys for the scores and across the head's elements for the output.
#pragma once

#include <cstddef>

#include "tensor/kernels.h"
#include "tensor/kernels/rows_body.h"
#include "tensor/matmul.h"

namespace cairn::tensor::kernels {

// static, here and in the other bodies: a copy shared between object files would carry one file's
// instruction set into the others.
static inline std::size_t padded(std::size_t count, std::size_t multiple) {
    return (count + multiple - 1) / multiple * multiple;
}
static inline std::size_t smaller(std::size_t a, std::size_t b) { return a < b ? a : b; }

/// A view of one head of one sequence: row i is at data + i * stride.
struct Head {
    float* data;
    std::size_t stride;
};
static inline Head head_of(ConstMatrix x, std::size_t first_row, std::size_t head,
                           std::size_t head_dim) {
    return {const_cast<float*>(x.data) + first_row * x.stride + head * head_dim, x.stride};
}

/// Up to 64 rows of one head of keys or values as floats: where they lie, or widened into `wide`,
/// [64, d].
template <typename V>
Head kv_block(const KvRows& x, std::size_t first_row, std::size_t count, std::size_t head,
              std::size_t d, float* wide) {
    const std::size_t offset = first_row * x.stride + head * d;
    if (x.type == KvType::kF32)
        return {const_cast<float*>(static_cast<const float*>(x.data)) + offset, x.stride};
    const bool half = x.type == KvType::kF16;
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint16_t* from =
            static_cast<const std::uint16_t*>(x.data) + offset + i * x.stride;
        float* to = wide + i * d;
        std::size_t c = 0;
        for (; c + 16 <= d; c += 16)
            V::store(to + c, half ? V::load_f16(from + c) : V::load_bf16(from + c));
        for (; c < d; ++c) to[c] = half ? f16_to_f32(from[c]) : bf16_to_f32(from[c]);
    }
    return {wide, d};
}

/// out[i][j] = N1 of a's row i and packed column j, for 64 columns; packed: [d, 64].
template <typename V>
void scores_block(std::size_t rows, std::size_t d, Operand a, const float* packed, float* out,
                  std::size_t out_stride) {
    constexpr std::size_t kWidth = 16 * V::kTileLanes;
    for (std::size_t k = 0; k < d; k += kChunk) {
        const std::size_t terms = smaller(kChunk, d - k);
        const Operand part{a.data + k * a.term, a.row, a.term, V::kTileRows * a.row};
        for (std::size_t j = 0; j < kKeyBlock; j += kWidth)
            product_rows<V, V::kTileRows, V::kTileLanes>(
                rows, terms, part, Panel<float>{packed + j * d + k * kWidth, kWidth, 16},
                {k == 0 ? nullptr : out + j, out_stride, kWidth}, {out + j, out_stride, kWidth});
    }
}

/// Packs up to 64 rows of d elements for scores_block: panels of [d, 16 * kTileLanes], with zeros
/// for rows that do not exist.
template <typename V>
void pack_keys(Head rows, std::size_t count, std::size_t d, float* packed) {
    constexpr std::size_t kWidth = 16 * V::kTileLanes;
    for (std::size_t j = 0; j < kKeyBlock; j += kWidth) {
        const std::size_t here = count > j ? smaller(kWidth, count - j) : 0;
        pack_transposed<V>(rows.data + j * rows.stride, rows.stride, d, here, packed + j * d,
                           kWidth);
    }
}

/// Rows R of out += one chain per row over the first visible(r) terms of a block, where the visible
/// counts are common, common + 1, ... at most `terms`. weights: [rows, stride].
template <typename V, std::size_t R, std::size_t C>
inline void weigh_tile(std::size_t common, std::size_t terms, const float* weights,
                       std::size_t stride, const float* panel, std::size_t width, float* out) {
    V acc[R][C];
#pragma GCC unroll 16
    for (std::size_t r = 0; r < R; ++r)
#pragma GCC unroll 4
        for (std::size_t c = 0; c < C; ++c) acc[r][c] = V::zero();
    chain<V, R, C>(acc, smaller(common, terms), {weights, stride, 1, 0},
                   Panel<float>{panel, width, 16});
#pragma GCC unroll 16
    for (std::size_t r = 1; r < R; ++r) {
        for (std::size_t j = common; j < smaller(common + r, terms); ++j) {
            const V x = V::set1(weights[r * stride + j]);
#pragma GCC unroll 4
            for (std::size_t c = 0; c < C; ++c)
                acc[r][c] = V::fma(x, V::load(panel + j * width + 16 * c), acc[r][c]);
        }
    }
#pragma GCC unroll 16
    for (std::size_t r = 0; r < R; ++r)
#pragma GCC unroll 4
        for (std::size_t c = 0; c < C; ++c)
            V::store(out + r * width + 16 * c,
                     V::add(V::load(out + r * width + 16 * c), acc[r][c]));
}

/// weigh_tile over all rows: row i sees the terms below min(first_visible + i, terms).
template <typename V, std::size_t R, std::size_t C>
inline void weigh_rows(std::size_t rows, std::size_t first_visible, std::size_t terms,
                       const float* weights, std::size_t stride, const float* panel,
                       std::size_t width, float* out) {
    std::size_t i = 0;
    for (; i + R <= rows; i += R)
        weigh_tile<V, R, C>(first_visible + i, terms, weights + i * stride, stride, panel, width,
                            out + i * width);
    if constexpr (R > 1) {
        if (i < rows)
            weigh_rows<V, R == 12 ? 8 : R / 2, C>(rows - i, first_visible + i, terms,
                                                  weights + i * stride, stride, panel, width,
                                                  out + i * width);
    }
}

/// The columns of a head in groups that fit the register tile. width: padded head_dim.
template <typename V>
void weigh_block(std::size_t rows, std::size_t first_visible, std::size_t terms,
                 const float* weights, std::size_t stride, const float* panel, std::size_t width,
                 float* out) {
    std::size_t c = 0;
    if constexpr (V::kTileLanes > 1)
        for (; c + 32 <= width; c += 32)
            weigh_rows<V, V::kTileRows, 2>(rows, first_visible, terms, weights, stride, panel + c,
                                           width, out + c);
    for (; c < width; c += 16)
        weigh_rows<V, V::kTileRows, 1>(rows, first_visible, terms, weights, stride, panel + c,
                                       width, out + c);
}

template <typename V>
std::size_t attention_forward_scratch(const AttentionShape& shape) {
    const std::size_t width = padded(shape.head_dim, 16);
    const std::size_t rows = smaller(kQueryBlock, shape.queries);
    return rows * padded(shape.keys(), kKeyBlock) + 2 * kKeyBlock * width + rows * width +
           padded(rows, 16);
}

/// One query's softmax in place: scores become exp(score - max), 0 after the visible ones up to the
/// end of the block; gives max and sum.
template <typename V>
inline void softmax_row(float* s, std::size_t visible, float score_scale, float* max, float* sum) {
    const V factor = V::set1(score_scale);
    V most = V::set1(-__builtin_inff());
    for_parts<V>(visible, [&](auto part) {
        const V scaled = V::mul(part.load(s), factor);
        part.store(s, scaled);
        most = part.keep(V::max(scaled, most), most);
    });
    float lanes[16];
    V::store(lanes, most);
    float m = lanes[0];
    for (std::size_t i = 1; i < 16; ++i) m = lanes[i] > m ? lanes[i] : m;
    m += 0.0F;
    float l = 0.0F;
    for (std::size_t block = 0; block < visible; block += kKeyBlock) {
        float* p = s + block;
        l += reduce_lanes<V>(smaller(kKeyBlock, visible - block), [&](auto part, V acc) {
            const V e = exp_lanes<V, true>(V::sub(part.load(p), V::set1(m)));
            part.store(p, e);
            return V::add(acc, e);
        });
    }
    *max = m;
    *sum = l == l ? l : __builtin_nanf("");
}

/// Scores of keys before the window, from the beginning of the first block that is read: none of
/// them adds anything.
static inline void hide(float* scores, std::size_t begin, std::size_t end) {
    for (std::size_t j = begin; j < end; ++j) scores[j] = -__builtin_inff();
}

template <typename V>
void attention_forward(const AttentionForward& op, std::size_t sequence, std::size_t head,
                       std::size_t begin, std::size_t end, float* scratch) {
    const AttentionShape shape = op.shape;
    const std::size_t d = shape.head_dim;
    const std::size_t width = padded(d, 16);
    const std::size_t keys = shape.keys();
    const std::size_t kv_head = head / (shape.heads / shape.kv_heads);
    const Head q = head_of(op.q, sequence * shape.queries + begin, head, d);
    const std::size_t rows = end - begin;
    // how many keys the first and the last query see; one more from row to row if causal
    const std::size_t first_visible = shape.causal ? shape.first_position + begin + 1 : keys;
    const std::size_t last_visible = shape.causal ? shape.first_position + end : keys;
    // the block in which a row's window begins, never earlier than that of the row before
    const auto first_block = [&](std::size_t i) {
        return shape.first_key(begin + i) / kKeyBlock * kKeyBlock;
    };
    const std::size_t stride = padded(last_visible, kKeyBlock);
    float* scores = scratch;
    float* packed = scores + rows * padded(keys, kKeyBlock);
    float* out = packed + kKeyBlock * width;
    float* wide = out + rows * width;
    float* sums = wide + kKeyBlock * width;

    for (std::size_t j = first_block(0); j < last_visible; j += kKeyBlock) {
        const std::size_t here = smaller(kKeyBlock, last_visible - j);
        pack_keys<V>(kv_block<V>(op.k, sequence * keys + j, here, kv_head, d, wide), here, d,
                     packed);
        scores_block<V>(rows, d, {q.data, q.stride, 1, 0}, packed, scores + j, stride);
    }
    const float score_scale = 1.0F / __builtin_sqrtf(static_cast<float>(d));
    for (std::size_t i = 0; i < rows; ++i) {
        float m = 0.0F;
        float* row = scores + i * stride;
        const std::size_t first = first_block(i);
        hide(row, first, shape.first_key(begin + i));
        softmax_row<V>(row + first, smaller(first_visible + i, last_visible) - first, score_scale,
                       &m, &sums[i]);
        const std::size_t stat = (sequence * shape.queries + begin + i) * shape.heads + head;
        if (op.stats.max != nullptr) op.stats.max[stat] = m;
        if (op.stats.sum != nullptr) op.stats.sum[stat] = sums[i];
    }
    for (std::size_t i = 0; i < rows * width; i += 16) V::store(out + i, V::zero());
    for (std::size_t j = first_block(0); j < last_visible; j += kKeyBlock) {
        const std::size_t here = smaller(kKeyBlock, last_visible - j);
        const Head v = kv_block<V>(op.v, sequence * keys + j, here, kv_head, d, wide);
        pack_rows<V>(v.data, v.stride, here, d, packed, width);
        // rows before the first one that sees this block have nothing to add
        const std::size_t skip = j < first_visible ? 0 : j + 1 - first_visible;
        std::size_t after = rows;  // rows whose window begins behind the block are the last ones
        while (first_block(after - 1) > j) --after;
        weigh_block<V>(after - skip, first_visible + skip - j, here, scores + skip * stride + j,
                       stride, packed, width, out + skip * width);
    }
    for (std::size_t i = 0; i < rows; ++i) {
        float* to = op.out.data + (sequence * shape.queries + begin + i) * op.out.stride + head * d;
        const V divisor = V::set1(sums[i]);
        const float* from = out + i * width;
        for_parts<V>(d, [&](auto part) { part.store(to, V::div(part.load(from), divisor)); });
    }
}

}  // namespace cairn::tensor::kernels
