// Attention, causal or not, with grouped key-value heads, by N4. Keys are walked in blocks of
// 64 aligned to absolute position, so that a query's bits do not depend on how the sequence was cut
// into prefill and decode, nor on what else is in the batch.
//
// Query head h reads key-value head h / (heads / kv_heads). The query in row i of a sequence
// stands at position first_position + i and sees the keys at positions 0 .. its own; without
// causality (encoders) every query sees all keys of its sequence.
#pragma once

#include <span>

#include "tensor/compute.h"
#include "tensor/kv_type.h"
#include "tensor/matrix.h"

namespace cairn::tensor {

inline constexpr std::size_t kKeyBlock = 64;

struct AttentionShape {
    std::size_t sequences = 1;
    std::size_t queries = 0;         ///< per sequence
    std::size_t first_position = 0;  ///< of each sequence's first query; earlier keys are cached
    std::size_t heads = 0;
    std::size_t kv_heads = 0;
    std::size_t head_dim = 0;
    bool causal = true;

    /// Keys per sequence that the operands hold.
    std::size_t keys() const { return first_position + queries; }
    /// How many keys the query in row i of its sequence sees: those at positions below this.
    std::size_t visible(std::size_t i) const { return causal ? first_position + i + 1 : keys(); }
};

/// The softmax of each (query, head): its largest score and the sum of exp(score - max). Backward
/// recomputes the probabilities from these two.
struct AttentionStats {
    float* max = nullptr;  ///< [sequences * queries, heads]
    float* sum = nullptr;  ///< [sequences * queries, heads]
};

/// Keys or values: fp32 rows, or rows as a cache of a narrow type keeps them (N5), which are
/// widened exactly when they are read. Row i starts i * stride elements after data.
struct KvRows {
    KvType type = KvType::kF32;
    const void* data = nullptr;
    std::size_t rows = 0;
    std::size_t cols = 0;
    std::size_t stride = 0;

    KvRows(ConstMatrix m) : data(m.data), rows(m.rows), cols(m.cols), stride(m.stride) {}
    KvRows(Matrix m) : KvRows(ConstMatrix(m)) {}
    KvRows(const float* values, std::size_t n_rows, std::size_t n_cols)
        : KvRows(ConstMatrix(values, n_rows, n_cols)) {}
    KvRows(KvType t, const void* values, std::size_t n_rows, std::size_t n_cols)
        : type(t), data(values), rows(n_rows), cols(n_cols), stride(n_cols) {}
};

/// One call's operands.
struct AttentionForward {
    AttentionShape shape;
    ConstMatrix q;
    KvRows k, v;
    Matrix out;
    AttentionStats stats;
};

/// q, out: [sequences * queries, heads * head_dim]; k, v: [sequences * keys(), kv_heads *
/// head_dim], already rotated and, for a narrow cache type, already rounded. stats may hold null
/// pointers.
void attention_forward(const Compute& compute, const AttentionShape& shape, ConstMatrix q, KvRows k,
                       KvRows v, Matrix out, AttentionStats stats);
/// Several calls at once, so that sequences which decode one token each share the threads. The same
/// bits as one after the other.
void attention_forward(const Compute& compute, std::span<const AttentionForward> calls);
/// Takes the memory that calls up to this shape need on every thread, so that none of them does.
void reserve_attention(const Compute& compute, const AttentionShape& shape);

/// Overwrites dq (as q), dk and dv (as k). Whole sequences only: first_position is 0.
void attention_backward(const Compute& compute, const AttentionShape& shape, ConstMatrix dout,
                        ConstMatrix q, ConstMatrix k, ConstMatrix v, ConstMatrix out,
                        AttentionStats stats, Matrix dq, Matrix dk, Matrix dv);

}  // namespace cairn::tensor
