// N4 over lanes V for few queries per sequence (decode, and guesses that are looked at together),
// which is bound by memory, in three stages: scores by keys, the softmax by rows, sums by columns.
// Any of them may be divided over threads. A row is one query head of one query; those that read
// one key-value head follow each other, query after query, and read it together. All heads of a
// thread's share walk through the cache together, position after position as it lies in memory.
// Keys are transposed in registers, values are used where they lie, and nothing is packed.
#pragma once

#include <cstddef>

#include "tensor/kernels/attention_body.h"
#include "tensor/kernels/panel_body.h"

namespace cairn::tensor::kernels {

/// Sixteen elements of each of 16 rows, transposed: block[k] lane i is element k of row i. From
/// `count` on the last row is repeated; nobody reads those results. Memory `ahead` elements further
/// on is prefetched.
template <typename V, typename E>
[[gnu::always_inline]] inline void load_turned(const E* rows, std::size_t stride, std::size_t count,
                                               std::size_t ahead, V (&block)[16]) {
    if (count >= 16) {
#pragma GCC unroll 16
        for (std::size_t i = 0; i < 16; ++i) {
            block[i] = load_wide<V>(rows + i * stride);
            __builtin_prefetch(rows + i * stride + ahead, 0, 2);
        }
    } else {
        for (std::size_t i = 0; i < 16; ++i)
            block[i] = load_wide<V>(rows + smaller(i, count - 1) * stride);
    }
    V::transpose(block);
}

/// scores[r][0, 16) = N1 of row r and up to 16 keys. q: [R, d].
template <typename V, std::size_t R, typename E>
inline void decode_scores(std::size_t d, const float* q, const E* keys, std::size_t stride,
                          std::size_t count, std::size_t ahead, float* scores,
                          std::size_t score_stride) {
    V result[R];
#pragma GCC unroll 16
    for (std::size_t r = 0; r < R; ++r) result[r] = V::zero();
    for (std::size_t chunk = 0; chunk < d; chunk += kChunk) {
        const std::size_t end = d - chunk < kChunk ? d : chunk + kChunk;
        V acc[R];
#pragma GCC unroll 16
        for (std::size_t r = 0; r < R; ++r) acc[r] = V::zero();
        for (std::size_t k = chunk; k < end; k += 16) {
            V block[16];
            load_turned<V>(keys + k, stride, count, ahead, block);
#pragma GCC unroll 16
            for (std::size_t i = 0; i < 16; ++i)
#pragma GCC unroll 16
                for (std::size_t r = 0; r < R; ++r)
                    acc[r] = V::fma(V::set1(q[r * d + k + i]), block[i], acc[r]);
        }
#pragma GCC unroll 16
        for (std::size_t r = 0; r < R; ++r) result[r] = V::add(result[r], acc[r]);
    }
#pragma GCC unroll 16
    for (std::size_t r = 0; r < R; ++r) V::store(scores + r * score_stride, result[r]);
}

/// out[r][c] = or += sum over up to 64 keys of weights[r][key] * values[key][c], for the columns
/// [c, end) of a head. out: [R, d].
template <typename V, std::size_t R, typename E>
inline void decode_weigh(std::size_t d, std::size_t c, std::size_t end, std::size_t keys,
                         const float* weights, std::size_t weight_stride, const E* values,
                         std::size_t stride, std::size_t ahead, bool first, float* out) {
    constexpr std::size_t kGroups = panels_at_once<V>(R);
    const Operand p{weights, weight_stride, 1, 0};
    const auto columns = [&]<std::size_t C>(std::size_t at) {
        product_tile<V, R, C, true>(keys, p, Panel<E>{values + at, stride, 16, ahead},
                                    {first ? nullptr : out + at, d, 16 * C}, {out + at, d, 16 * C});
    };
    for (; c + 16 * kGroups <= end; c += 16 * kGroups) columns.template operator()<kGroups>(c);
    for (; c < end; c += 16) columns.template operator()<1>(c);
}

/// Calls body<count>(first); count is at least 1, at most R.
template <std::size_t R, typename Body>
[[gnu::always_inline]] inline void with_rows(std::size_t first, std::size_t count,
                                             const Body& body) {
    if (count == R) return body.template operator()<R>(first);
    if constexpr (R > 1) with_rows<R - 1>(first, count, body);
}

/// Calls body<number of rows>(row) on slices that cover [first, end): as few as there can be, of at
/// most R rows, since each reads and transposes the keys again, and as even.
template <std::size_t R, typename Body>
[[gnu::always_inline]] inline void for_rows(std::size_t first, std::size_t end, const Body& body) {
    const std::size_t count = end - first;
    const std::size_t slices = (count + R - 1) / R;
    for (std::size_t s = 0; s < slices; ++s) {
        const std::size_t from = count * s / slices;
        with_rows<R>(first + from, count * (s + 1) / slices - from, body);
    }
}

/// How many elements lie between head kv_head and the head that a walk over `rows` rows, head after
/// head, reads kHeadsAhead heads later.
inline constexpr std::size_t kHeadsAhead = 2;
static inline std::size_t elements_ahead(std::size_t kv_head, std::size_t kv_begin,
                                         std::size_t kv_end, std::size_t rows, std::size_t d,
                                         std::size_t stride) {
    const std::size_t heads = kv_end - kv_begin;
    const std::size_t later = kv_head - kv_begin + kHeadsAhead;
    return later / heads * rows * stride + later % heads * d - (kv_head - kv_begin) * d;
}

/// The most rows whose scores or sums are computed at once.
template <typename V>
inline constexpr std::size_t kRowsAtOnce = V::kTileRows >= 8 ? 8 : 4;

/// The first block of which query i reads a key.
static inline std::size_t first_block(const AttentionShape& shape, std::size_t i) {
    return shape.first_key(i) / kKeyBlock * kKeyBlock;
}

template <typename V, typename E>
inline void scores_as(const AttentionForward& op, std::size_t sequence, const float* q,
                      std::size_t kv_begin, std::size_t kv_end, std::size_t key_begin,
                      std::size_t key_end, float* scores) {
    const AttentionShape& shape = op.shape;
    const std::size_t d = shape.head_dim;
    const std::size_t rows = shape.heads / shape.kv_heads * shape.queries;  // of a key-value head
    const std::size_t stride = shape.padded_keys();
    const auto* keys = static_cast<const E*>(op.k.data) + sequence * shape.keys() * op.k.stride;
    for (std::size_t j = key_begin; j < key_end; j += 16)
        for (std::size_t kv = kv_begin; kv < kv_end; ++kv) {
            const std::size_t ahead = elements_ahead(kv, kv_begin, kv_end, 16, d, op.k.stride);
            for_rows<kRowsAtOnce<V>>(kv * rows, (kv + 1) * rows, [&]<std::size_t R>(std::size_t r) {
                decode_scores<V, R>(d, q + r * d, keys + j * op.k.stride + kv * d, op.k.stride,
                                    key_end - j, ahead, scores + r * stride + j, stride);
            });
        }
}

template <typename V>
void decode_attention_scores(const AttentionForward& op, std::size_t sequence, const float* q,
                             std::size_t kv_begin, std::size_t kv_end, std::size_t key_begin,
                             std::size_t key_end, float* scores) {
    if (op.k.type == KvType::kF32)
        scores_as<V, float>(op, sequence, q, kv_begin, kv_end, key_begin, key_end, scores);
    else if (op.k.type == KvType::kF16)
        scores_as<V, F16>(op, sequence, q, kv_begin, kv_end, key_begin, key_end, scores);
    else
        scores_as<V, Bf16>(op, sequence, q, kv_begin, kv_end, key_begin, key_end, scores);
}

template <typename V>
void decode_attention_softmax(const AttentionForward& op, std::size_t sequence, std::size_t begin,
                              std::size_t end, float* scores, float* sums) {
    const AttentionShape& shape = op.shape;
    const std::size_t group = shape.heads / shape.kv_heads;
    const float score_scale = 1.0F / __builtin_sqrtf(static_cast<float>(shape.head_dim));
    for (std::size_t r = begin; r < end; ++r) {
        const std::size_t i = r / group % shape.queries;
        const std::size_t first = first_block(shape, i);
        float* row = scores + r * shape.padded_keys();
        float m = 0.0F;
        hide(row, first, shape.first_key(i));
        softmax_row<V>(row + first, shape.visible(i) - first, score_scale, &m, sums + r);
        const std::size_t head = r / (group * shape.queries) * group + r % group;
        const std::size_t stat = (sequence * shape.queries + i) * shape.heads + head;
        if (op.stats.max != nullptr) op.stats.max[stat] = m;
        if (op.stats.sum != nullptr) op.stats.sum[stat] = sums[r];
    }
}

template <typename V, typename E>
inline void values_as(const AttentionForward& op, std::size_t sequence, std::size_t begin,
                      std::size_t end, const float* weights, const float* sums, float* out) {
    const AttentionShape& shape = op.shape;
    const std::size_t d = shape.head_dim;
    const std::size_t group = shape.heads / shape.kv_heads;
    const std::size_t rows = group * shape.queries;  // of a key-value head
    const std::size_t stride = shape.padded_keys();
    const auto* values = static_cast<const E*>(op.v.data) + sequence * shape.keys() * op.v.stride;
    const std::size_t kv_begin = begin / d;
    const std::size_t kv_end = (end + d - 1) / d;
    // the columns of a key-value head that were asked for
    const auto first_of = [&](std::size_t kv) { return kv * d < begin ? begin - kv * d : 0; };
    const auto end_of = [&](std::size_t kv) { return smaller(d, end - kv * d); };

    const std::size_t first = first_block(shape, 0);
    const std::size_t last_first = first_block(shape, shape.queries - 1);
    for (std::size_t j = first; j < shape.keys(); j += kKeyBlock)
        for (std::size_t kv = kv_begin; kv < kv_end; ++kv) {
            const std::size_t ahead =
                elements_ahead(kv, kv_begin, kv_end, kKeyBlock, d, op.v.stride);
            const auto weigh = [&](std::size_t row, std::size_t count, std::size_t terms,
                                   bool begins) {
                for_rows<kRowsAtOnce<V>>(row, row + count, [&]<std::size_t R>(std::size_t r) {
                    decode_weigh<V, R>(d, first_of(kv), end_of(kv), terms, weights + r * stride + j,
                                       stride, values + j * op.v.stride + kv * d, op.v.stride,
                                       ahead, begins, out + r * d);
                });
            };
            // A block of which all queries see all keys, or one that they see differently.
            if (j + kKeyBlock <= shape.visible(0) && (first == last_first || j > last_first)) {
                weigh(kv * rows, rows, kKeyBlock, j == first);
                continue;
            }
            for (std::size_t i = 0; i < shape.queries; ++i)
                if (j >= first_block(shape, i) && j < shape.visible(i))
                    weigh(kv * rows + i * group, group, smaller(kKeyBlock, shape.visible(i) - j),
                          j == first_block(shape, i));
        }
    for (std::size_t kv = kv_begin; kv < kv_end; ++kv)
        for (std::size_t r = kv * rows; r < (kv + 1) * rows; ++r) {
            const V divisor = V::set1(sums[r]);
            for (std::size_t c = first_of(kv); c < end_of(kv); c += 16)
                V::store(out + r * d + c, V::div(V::load(out + r * d + c), divisor));
        }
}

template <typename V>
void decode_attention_values(const AttentionForward& op, std::size_t sequence, std::size_t begin,
                             std::size_t end, const float* weights, const float* sums, float* out) {
    if (op.v.type == KvType::kF32)
        values_as<V, float>(op, sequence, begin, end, weights, sums, out);
    else if (op.v.type == KvType::kF16)
        values_as<V, F16>(op, sequence, begin, end, weights, sums, out);
    else
        values_as<V, Bf16>(op, sequence, begin, end, weights, sums, out);
}

}  // namespace cairn::tensor::kernels
