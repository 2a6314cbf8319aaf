// Token embeddings: rows of a table.
#pragma once

#include <cstdint>
#include <span>

#include "tensor/compute.h"
#include "tensor/matrix.h"

namespace cairn::tensor {

/// out[t] = table[ids[t]]. table: [V, C]; out: [T, C]; every id is below V.
void embedding_forward(const Compute& compute, ConstMatrix table,
                       std::span<const std::uint32_t> ids, Matrix out);

/// dtable[ids[t]] += dout[t]: per chunk of 256 tokens each row's terms are added in ascending token
/// order from +0, then the chunk's sums are added to dtable. With a tied head the caller gives a
/// table of zeros per leaf and adds it to the head's gradient as one term.
void embedding_backward_accumulate(const Compute& compute, std::span<const std::uint32_t> ids,
                                   ConstMatrix dout, Matrix dtable);

}  // namespace cairn::tensor
