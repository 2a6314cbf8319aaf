// Attention, causal or not, with grouped key-value heads, by rule 4. Keys are walked in blocks of
// 64 aligned to absolute position, so that a query's bits do not depend on how the sequence was cut
// into prefill and decode, nor on what else is in the batch.
//
// Query head h reads key-value head h / (heads / kv_heads). The query in row i of a sequence
// stands at position first_position + i and sees the keys at positions 0 .. its own; without
// causality (encoders) every query sees all keys of its sequence.
#pragma once

#include "tensor/compute.h"
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

/// q, out: [sequences * queries, heads * head_dim]; k, v: [sequences * keys(), kv_heads *
/// head_dim], already rotated and, for a narrow cache type, already rounded. stats may hold null
/// pointers.
void attention_forward(const Compute& compute, const AttentionShape& shape, ConstMatrix q,
                       ConstMatrix k, ConstMatrix v, Matrix out, AttentionStats stats);

/// Overwrites dq (as q), dk and dv (as k). Whole sequences only: first_position is 0.
void attention_backward(const Compute& compute, const AttentionShape& shape, ConstMatrix dout,
                        ConstMatrix q, ConstMatrix k, ConstMatrix v, ConstMatrix out,
                        AttentionStats stats, Matrix dq, Matrix dk, Matrix dv);

}  // namespace cairn::tensor
