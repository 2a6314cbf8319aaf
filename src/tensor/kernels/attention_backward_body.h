// CONSENSUS: changing a result here splits the network.
//
// N4 over lanes V, backward. For one query head after the other, a block of 64 keys meets the
// queries in N1's chunks of 256 positions: probabilities and score gradients are recomputed
// for the pair, then added to dQ (over keys), dK and dV (over queries).
#pragma once

#include <cstddef>

#include "tensor/kernels/attention_body.h"

namespace cairn::tensor::kernels {

/// Key rows R of out += one chain each over the queries (rows of `panel`) that see the key: row r
/// starts at query max(0, start + r). weights: [queries, 64], column r of the tile.
template <typename V, std::size_t R, std::size_t C>
inline void gather_tile(std::ptrdiff_t start, std::size_t queries, const float* weights,
                        const float* panel, std::size_t width, float* out) {
    V acc[R][C];
#pragma GCC unroll 16
    for (std::size_t r = 0; r < R; ++r)
#pragma GCC unroll 4
        for (std::size_t c = 0; c < C; ++c) acc[r][c] = V::zero();
    // queries that see the tile's first keys, but not yet its last
    const std::ptrdiff_t last = start + static_cast<std::ptrdiff_t>(R) - 1;
    const std::size_t common = last < 0 ? 0 : smaller(static_cast<std::size_t>(last), queries);
#pragma GCC unroll 16
    for (std::size_t r = 0; r + 1 < R; ++r) {
        const std::ptrdiff_t first = start + static_cast<std::ptrdiff_t>(r);
        for (std::size_t i = first < 0 ? 0 : static_cast<std::size_t>(first); i < common; ++i) {
            const V x = V::set1(weights[i * kKeyBlock + r]);
#pragma GCC unroll 4
            for (std::size_t c = 0; c < C; ++c)
                acc[r][c] = V::fma(x, V::load(panel + i * width + 16 * c), acc[r][c]);
        }
    }
    chain<V, R, C>(acc, queries - common, {weights + common * kKeyBlock, 1, kKeyBlock, 0},
                   Panel<float>{panel + common * width, width, 16});
#pragma GCC unroll 16
    for (std::size_t r = 0; r < R; ++r)
#pragma GCC unroll 4
        for (std::size_t c = 0; c < C; ++c)
            V::store(out + r * width + 16 * c,
                     V::add(V::load(out + r * width + 16 * c), acc[r][c]));
}

template <typename V, std::size_t R, std::size_t C>
inline void gather_rows(std::size_t keys, std::ptrdiff_t start, std::size_t queries,
                        const float* weights, const float* panel, std::size_t width, float* out) {
    std::size_t j = 0;
    for (; j + R <= keys; j += R)
        gather_tile<V, R, C>(start + static_cast<std::ptrdiff_t>(j), queries, weights + j, panel,
                             width, out + j * width);
    if constexpr (R > 1) {
        if (j < keys)
            gather_rows<V, R == 12 ? 8 : R / 2, C>(keys - j, start + static_cast<std::ptrdiff_t>(j),
                                                   queries, weights + j, panel, width,
                                                   out + j * width);
    }
}

/// out[keys, width] += sum over queries of weights[query][key] * panel[query]: one chunk. Key j is
/// seen from query start + j on (start may be negative).
template <typename V>
void gather_block(std::size_t keys, std::ptrdiff_t start, std::size_t queries, const float* weights,
                  const float* panel, std::size_t width, float* out) {
    std::size_t c = 0;
    if constexpr (V::kTileLanes > 1)
        for (; c + 32 <= width; c += 32)
            gather_rows<V, V::kTileRows, 2>(keys, start, queries, weights, panel + c, width,
                                            out + c);
    for (; c < width; c += 16)
        gather_rows<V, V::kTileRows, 1>(keys, start, queries, weights, panel + c, width, out + c);
}

/// Where the parts of the scratch memory lie.
struct BackwardScratch {
    float* packed_k;  ///< [d, 64] for scores
    float* packed_v;  ///< [d, 64]
    float* rows_k;    ///< [64, width]
    float* rows_q;    ///< [256, width]
    float* rows_do;   ///< [256, width]
    float* p;         ///< [256, 64]
    float* ds;        ///< [256, 64]
    float* dk;        ///< [64, width], one head's block
    float* dv;        ///< [64, width]
    float* dq;        ///< [queries, width], one head
    float* delta;     ///< [queries]
};

static inline std::size_t lay_out(const AttentionShape& shape, float* memory, BackwardScratch& s) {
    const std::size_t width = padded(shape.head_dim, 16);
    std::size_t used = 0;
    const auto take = [&used, memory](std::size_t count) {
        const std::size_t here = used;
        used += padded(count, 16);
        return memory == nullptr ? nullptr : memory + here;
    };
    s.packed_k = take(kKeyBlock * width);
    s.packed_v = take(kKeyBlock * width);
    s.rows_k = take(kKeyBlock * width);
    s.rows_q = take(kChunk * width);
    s.rows_do = take(kChunk * width);
    s.p = take(kChunk * kKeyBlock);
    s.ds = take(kChunk * kKeyBlock);
    s.dk = take(kKeyBlock * width);
    s.dv = take(kKeyBlock * width);
    s.dq = take(shape.queries * width);
    s.delta = take(shape.queries);
    return used;
}

template <typename V>
std::size_t attention_backward_scratch(const AttentionShape& shape) {
    // laid out over a null base only to count
    BackwardScratch unused;
    return lay_out(shape, nullptr, unused);
}

/// Scores and dP of one (query, block) become P and dS in place; 0 for keys not visible.
template <typename V>
inline void score_gradients(float* p, float* ds, std::size_t visible, float max, float sum,
                            float delta, float score_scale) {
    const V factor = V::set1(score_scale);
    for_parts<V>(visible, [&](auto part) {
        const V s = V::mul(part.load(p), factor);
        const V prob = V::div(exp_lanes<V, true>(V::sub(s, V::set1(max))), V::set1(sum));
        const V change = V::sub(part.load(ds), V::set1(delta));
        part.store(p, prob);
        part.store(ds, V::mul(V::mul(prob, change), factor));
    });
}

/// One query head: its dq, and its share of dk and dv (the first head of a group overwrites).
template <typename V>
void backward_head(const AttentionBackward& op, std::size_t sequence, std::size_t head,
                   bool first_head, const BackwardScratch& s) {
    const AttentionShape shape = op.shape;
    const std::size_t d = shape.head_dim;
    const std::size_t t = shape.queries;
    const std::size_t all_keys = shape.keys();
    const std::size_t width = padded(d, 16);
    const std::size_t kv_head = head / (shape.heads / shape.kv_heads);
    const Head q = head_of(op.q, sequence * t, head, d);
    const Head k = head_of(op.k, sequence * all_keys, kv_head, d);
    const Head v = head_of(op.v, sequence * all_keys, kv_head, d);
    const Head out = head_of(op.out, sequence * t, head, d);
    const Head dout = head_of(op.dout, sequence * t, head, d);
    const float* max = op.stats.max + sequence * t * shape.heads + head;
    const float* sum = op.stats.sum + sequence * t * shape.heads + head;
    const float score_scale = 1.0F / __builtin_sqrtf(static_cast<float>(d));
    for (std::size_t i = 0; i < t; ++i)
        s.delta[i] = reduce_dot<V>(d, dout.data + i * dout.stride, out.data + i * out.stride);
    for (std::size_t i = 0; i < t * width; i += 16) V::store(s.dq + i, V::zero());

    for (std::size_t block = 0; block < all_keys; block += kKeyBlock) {
        const std::size_t keys = smaller(kKeyBlock, all_keys - block);
        const Head block_k{k.data + block * k.stride, k.stride};
        const Head block_v{v.data + block * v.stride, v.stride};
        pack_keys<V>(block_k, keys, d, s.packed_k);
        pack_keys<V>(block_v, keys, d, s.packed_v);
        pack_rows<V>(block_k.data, k.stride, keys, d, s.rows_k, width);
        for (std::size_t i = 0; i < kKeyBlock * width; i += 16) {
            V::store(s.dk + i, V::zero());
            V::store(s.dv + i, V::zero());
        }
        // the queries that see the block: those from its first key on, or all
        const std::size_t first_query = shape.causal ? block : 0;
        for (std::size_t chunk = first_query / kChunk * kChunk; chunk < t; chunk += kChunk) {
            const std::size_t begin = chunk < first_query ? first_query : chunk;
            const std::size_t rows = smaller(chunk + kChunk, t) - begin;
            const float* queries = q.data + begin * q.stride;
            const float* grads = dout.data + begin * dout.stride;
            scores_block<V>(rows, d, {queries, q.stride, 1, 0}, s.packed_k, s.p, kKeyBlock);
            scores_block<V>(rows, d, {grads, dout.stride, 1, 0}, s.packed_v, s.ds, kKeyBlock);
            for (std::size_t i = 0; i < rows; ++i) {
                const std::size_t at = (begin + i) * shape.heads;
                const std::size_t visible =
                    shape.causal ? smaller(keys, begin + i + 1 - block) : keys;
                score_gradients<V>(s.p + i * kKeyBlock, s.ds + i * kKeyBlock, visible, max[at],
                                   sum[at], s.delta[begin + i], score_scale);
                // keys before the window
                for (std::size_t j = block; j < shape.first_key(begin + i); ++j) {
                    if (j >= block + keys) break;
                    s.p[i * kKeyBlock + j - block] = s.ds[i * kKeyBlock + j - block] = 0.0F;
                }
            }
            pack_rows<V>(queries, q.stride, rows, d, s.rows_q, width);
            pack_rows<V>(grads, dout.stride, rows, d, s.rows_do, width);
            weigh_block<V>(rows, shape.causal ? begin + 1 - block : keys, keys, s.ds, kKeyBlock,
                           s.rows_k, width, s.dq + begin * width);
            // not causal: every key of the block is seen from before the first query on
            const auto start = shape.causal ? static_cast<std::ptrdiff_t>(block) -
                                                  static_cast<std::ptrdiff_t>(begin)
                                            : -static_cast<std::ptrdiff_t>(2 * kKeyBlock);
            gather_block<V>(keys, start, rows, s.ds, s.rows_q, width, s.dk);
            gather_block<V>(keys, start, rows, s.p, s.rows_do, width, s.dv);
        }
        for (std::size_t j = 0; j < keys; ++j) {
            const std::size_t row = sequence * all_keys + block + j;
            float* dk = op.dk.data + row * op.dk.stride + kv_head * d;
            float* dv = op.dv.data + row * op.dv.stride + kv_head * d;
            for_parts<V>(d, [&](auto part) {
                const V old_k = first_head ? V::zero() : part.load(dk);
                const V old_v = first_head ? V::zero() : part.load(dv);
                part.store(dk, V::add(old_k, part.load(s.dk + j * width)));
                part.store(dv, V::add(old_v, part.load(s.dv + j * width)));
            });
        }
    }
    for (std::size_t i = 0; i < t; ++i) {
        float* dq = op.dq.data + (sequence * t + i) * op.dq.stride + head * d;
        for_parts<V>(d, [&](auto part) { part.store(dq, part.load(s.dq + i * width)); });
    }
}

template <typename V>
void attention_backward(const AttentionBackward& op, std::size_t sequence, std::size_t kv_head,
                        float* scratch) {
    BackwardScratch s;
    lay_out(op.shape, scratch, s);
    const std::size_t group = op.shape.heads / op.shape.kv_heads;
    for (std::size_t head = 0; head < group; ++head)
        backward_head<V>(op, sequence, kv_head * group + head, head == 0, s);
}

}  // namespace cairn::tensor::kernels
