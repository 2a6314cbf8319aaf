// Attention, causal or not, with grouped key-value heads, by N4. Keys are walked in blocks of
// 64 aligned to absolute position, so that a query's bits do not depend on how the sequence was cut
// into prefill and decode, nor on what else is in the batch.
//
// Query head h reads key-value head h / (heads / kv_heads). The query in row i of a sequence
// stands at position first_position + i and sees the keys at positions 0 .. its own; without
// causality (encoders) every query sees all keys of its sequence, or of another text
// (source_keys: cross attention). With a window it sees the last `window` of those keys only.
#pragma once

#include <span>

#include "tensor/compute.h"
#include "tensor/operands.h"

namespace cairn::tensor {

/// q, out: [sequences * queries, heads * head_dim]; k, v: [sequences * keys(), kv_heads *
/// head_dim], already rotated and, for a narrow cache type, already rounded. stats may hold null
/// pointers; for KvType::kDigits they must. N49 instead of N4 is the rule of that type.
void attention_forward(const Compute& compute, const AttentionShape& shape, ConstMatrix q, KvRows k,
                       KvRows v, Matrix out, AttentionStats stats);
/// Several calls at once, so that sequences that decode one token each share the threads. Each call
/// has the bits that it would have alone.
void attention_forward(const Compute& compute, std::span<const AttentionForward> calls);
/// Allocates on every thread the memory that calls up to this shape need; they then allocate none.
void reserve_attention(const Compute& compute, const AttentionShape& shape);

/// Overwrites dq (as q), dk and dv (as k). Whole sequences only: first_position is 0. Several calls
/// at once: attention_backward.h.
void attention_backward(const Compute& compute, const AttentionShape& shape, ConstMatrix dout,
                        ConstMatrix q, ConstMatrix k, ConstMatrix v, ConstMatrix out,
                        AttentionStats stats, Matrix dq, Matrix dk, Matrix dv);

}  // namespace cairn::tensor
