// The golden table: a name and a hash for every operator, over the bits of its results for inputs
// from Philox. golden_test.cc checks it, tools/golden-matrix under every compiler and processor.
#pragma once

#include <cstdint>
#include <span>

#include "tensor/compute.h"

namespace cairn::tensor {

struct Golden {
    const char* name;
    std::uint64_t (*run)(const Compute& compute);
    std::uint64_t expected;
};

/// LayerNorm, biases, GELU, positions, attention that sees all, scaled RoPE, log-probabilities.
std::span<const Golden> gpt_goldens();

}  // namespace cairn::tensor
