// The quantised half of weight.h: group formats and W8A8-row, by rule 2 of design/numerics.md.
#pragma once

#include <cstddef>

#include "base/result.h"
#include "tensor/compute.h"
#include "tensor/matrix.h"
#include "tensor/weight.h"

namespace cairn::tensor {

std::size_t quantised_packed_bytes(WeightType type, std::size_t rows, std::size_t cols);
Weight pack_quantised(const Compute& compute, const Weight& w, void* out);
void matmul_nt_quantised(const Compute& compute, ConstMatrix a, const Weight& w, Matrix c);
void quantised_row(const Weight& w, std::size_t row, float* out);
Status quantise(ConstMatrix values, WeightType type, void* out);

}  // namespace cairn::tensor
