// N4 over lanes V for one query per sequence (decode), which is bound by memory. All heads of a
// thread's share walk through the cache together, position after position as it lies in memory; the
// query heads of a key-value head read it once. Keys are transposed in registers, values are used
// where they lie, and nothing is packed.
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

/// scores[r][0, 16) = N1 of query head r and up to 16 keys. q: [R, d].
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

/// out[r][c] = or += sum over up to 64 keys of weights[r][key] *
/// values[key][c]. out: [R, d].
template <typename V, std::size_t R, typename E>
inline void decode_weigh(std::size_t d, std::size_t keys, const float* weights,
                         std::size_t weight_stride, const E* values, std::size_t stride,
                         std::size_t ahead, bool first, float* out) {
    constexpr std::size_t kGroups = panels_at_once<V>(R);
    const Operand p{weights, weight_stride, 1, 0};
    const auto columns = [&]<std::size_t C>(std::size_t c) {
        product_tile<V, R, C, true>(keys, p, Panel<E>{values + c, stride, 16, ahead},
                                    {first ? nullptr : out + c, d, 16 * C}, {out + c, d, 16 * C});
    };
    std::size_t c = 0;
    for (; c + 16 * kGroups <= d; c += 16 * kGroups) columns.template operator()<kGroups>(c);
    for (; c < d; c += 16) columns.template operator()<1>(c);
}

/// Calls body<R>(head) on slices of R query heads that cover [first, end), R at
/// most the template's.
template <std::size_t R, typename Body>
[[gnu::always_inline]] inline void for_heads(std::size_t first, std::size_t end, const Body& body) {
    for (; first + R <= end; first += R) body.template operator()<R>(first);
    if constexpr (R > 1)
        if (first < end) for_heads<R / 2>(first, end, body);
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

/// One sequence, key-value heads [kv_begin, kv_end), in a cache of elements E.
template <typename V, typename E>
inline void decode_as(const AttentionForward& op, std::size_t sequence, std::size_t kv_begin,
                      std::size_t kv_end, float* scratch) {
    constexpr std::size_t kMost = V::kTileRows >= 8 ? 8 : 4;
    const AttentionShape shape = op.shape;
    const std::size_t d = shape.head_dim;
    const std::size_t group = shape.heads / shape.kv_heads;
    const std::size_t keys = shape.keys();  // there is one query
    const std::size_t score_stride = padded(keys, kKeyBlock);
    const auto* k_rows = static_cast<const E*>(op.k.data) + sequence * keys * op.k.stride;
    const auto* v_rows = static_cast<const E*>(op.v.data) + sequence * keys * op.v.stride;
    const float* q = op.q.data + sequence * op.q.stride;
    float* out = op.out.data + sequence * op.out.stride;
    const std::size_t first_key = shape.first_key(0);
    const std::size_t first = first_key / kKeyBlock * kKeyBlock;
    const auto scores_of = [&](std::size_t head) {
        return scratch + (head - kv_begin * group) * score_stride;
    };
    for (std::size_t j = first; j < keys; j += 16)
        for (std::size_t kv = kv_begin; kv < kv_end; ++kv) {
            const std::size_t ahead = elements_ahead(kv, kv_begin, kv_end, 16, d, op.k.stride);
            for_heads<kMost>(kv * group, (kv + 1) * group, [&]<std::size_t R>(std::size_t head) {
                decode_scores<V, R>(d, q + head * d, k_rows + j * op.k.stride + kv * d, op.k.stride,
                                    keys - j, ahead, scores_of(head) + j, score_stride);
            });
        }
    const float score_scale = 1.0F / __builtin_sqrtf(static_cast<float>(d));
    float* sums = scratch + (kv_end - kv_begin) * group * score_stride;
    for (std::size_t head = kv_begin * group; head < kv_end * group; ++head) {
        float m = 0.0F;
        float* sum = sums + head - kv_begin * group;
        hide(scores_of(head), first, first_key);
        softmax_row<V>(scores_of(head) + first, keys - first, score_scale, &m, sum);
        if (op.stats.max != nullptr) op.stats.max[sequence * shape.heads + head] = m;
        if (op.stats.sum != nullptr) op.stats.sum[sequence * shape.heads + head] = *sum;
    }
    for (std::size_t j = first; j < keys; j += kKeyBlock)
        for (std::size_t kv = kv_begin; kv < kv_end; ++kv) {
            const std::size_t ahead =
                elements_ahead(kv, kv_begin, kv_end, kKeyBlock, d, op.v.stride);
            for_heads<kMost>(kv * group, (kv + 1) * group, [&]<std::size_t R>(std::size_t head) {
                decode_weigh<V, R>(d, smaller(kKeyBlock, keys - j), scores_of(head) + j,
                                   score_stride, v_rows + j * op.v.stride + kv * d, op.v.stride,
                                   ahead, j == first, out + head * d);
            });
        }
    for (std::size_t head = kv_begin * group; head < kv_end * group; ++head) {
        const V divisor = V::set1(sums[head - kv_begin * group]);
        float* to = out + head * d;
        for_parts<V>(d, [&](auto part) { part.store(to, V::div(part.load(to), divisor)); });
    }
}

/// scratch: scores [heads, keys padded to 64] and sums [heads] of the heads asked for.
template <typename V>
void attention_decode(const AttentionForward& op, std::size_t sequence, std::size_t kv_begin,
                      std::size_t kv_end, float* scratch) {
    if (op.k.type == KvType::kF32)
        decode_as<V, float>(op, sequence, kv_begin, kv_end, scratch);
    else if (op.k.type == KvType::kF16)
        decode_as<V, F16>(op, sequence, kv_begin, kv_end, scratch);
    else
        decode_as<V, Bf16>(op, sequence, kv_begin, kv_end, scratch);
}

}  // namespace cairn::tensor::kernels
