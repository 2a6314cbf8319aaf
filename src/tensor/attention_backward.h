// Attention backward for sequences of different lengths at once.
#pragma once

#include <span>

#include "tensor/compute.h"
#include "tensor/operands.h"

namespace cairn::tensor {

/// As attention_backward() of attention.h; the calls share the threads. Each has the bits that it
/// would have alone; no two may write to the same rows.
void attention_backward(const Compute& compute, std::span<const AttentionBackward> calls);

}  // namespace cairn::tensor
