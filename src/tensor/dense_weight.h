// The part of weight.h for f32, f16 and bf16: types that widen to fp32 exactly, so that every
// product is N1 over the widened values.
//
// Packed, a weight is panels of 16 rows, one after the other; a panel holds [cols][16] elements of
// the stored type, so that one load gives the k-th column of 16 outputs. The last panel's missing
// rows are zeros, which no result shows. All kernel sets read this one layout.
#pragma once

#include <cstddef>

#include "tensor/weight.h"

namespace cairn::tensor {

/// Rows of W in a panel.
inline constexpr std::size_t kPanelRows = 16;

/// Element `index` of values stored as `type`; `data` need not be aligned.
float dense_element(WeightType type, const void* data, std::size_t index);
/// Bytes of one element: 4 or 2.
std::size_t dense_bytes(WeightType type);
std::size_t dense_packed_bytes(WeightType type, std::size_t rows, std::size_t cols);
Weight pack_dense(const Compute& compute, const Weight& w, void* out);
/// W of any dense type, packed or canonical, but of the same type in all products.
void matmul_nt_dense(const Compute& compute, ConstMatrix a, std::span<const Product> products);
void dense_row(const Weight& w, std::size_t row, float* out);
void narrow_dense(ConstMatrix values, WeightType type, void* out);

}  // namespace cairn::tensor
