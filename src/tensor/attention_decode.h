// Attention of few queries over many keys: writing a token, or looking at some guessed ones. Used
// by attention.cc alone. The bits are those of attention_forward, whatever is divided among
// threads.
#pragma once

#include <cstddef>
#include <span>

#include "tensor/compute.h"
#include "tensor/kernels.h"

namespace cairn::tensor {

/// Whether the call has so few queries, and a shape, that the decode kernels take it. More than
/// these are computed faster from keys that are packed for them.
bool decodes(const Kernels& kernels, const AttentionForward& call);

/// Floats of scratch that decoding a sequence needs; 0 for more queries than are decoded.
std::size_t decode_scratch(const AttentionShape& shape);

/// Key-value heads [kv_begin, kv_end) of a sequence, on this thread. scratch: decode_scratch().
void decode_heads(const Kernels& kernels, const AttentionForward& call, std::size_t sequence,
                  std::size_t kv_begin, std::size_t kv_end, float* scratch);

/// Whether the calls, all that there are to do, are sequences whose few heads cannot be dealt out
/// evenly to the threads, with enough `work` (multiplications of scores) to be worth two more
/// handovers each.
bool wants_stages(const Compute& compute, std::span<const AttentionForward> calls,
                  std::size_t work);

/// A call's only sequence on all threads, whatever the number of its heads: one stage after the
/// other, by keys, by rows, by columns. Takes the calling thread's Scratch::kOperator.
void decode_by_stages(const Compute& compute, const AttentionForward& call);

}  // namespace cairn::tensor
