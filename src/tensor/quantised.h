// The quantised half of weight.h: group formats and W8A8-row, by N2 (docs/spec/numerics.md).
// reference/quantised.cc is the definition; this is what it says.
//
// Activations are quantised first, per token and group of 32 columns: scale = max|x| / 127,
// q = round-half-even(x / scale) clamped to +-127; scale and q are 0 where max|x| < 2^-100. A group
// with an infinity or NaN gets the scale NaN and q = 0, so that every output of that token is NaN.
// Then, for one output, in chunks of 256 columns (N1):
//
//   Q8_0, Q4_0,  per group of 32, ascending:  acc = fma(float(sum q w), d * scale, acc)
//   Q5_0
//   Q4_K, Q5_K   the same with d * sc for d, then acc = fma(dmin * m, -(float(sum q) * scale), acc)
//   Q4_1, Q5_1   the same with d and -m (a weight is d * q + m) for d * sc and dmin * m
//   Q6_K         per group of 16 (two to a group of activations): acc = fma(float(sum q w),
//                (d * sc) * scale, acc)
//   W8A8-row     no groups: one scale per token, float(sum of q w over all k) * (wscale * scale)
//
// Sums in parentheses are exact int32; d * sc and dmin * m are exact in fp32, too.
#pragma once

#include <cstddef>

#include "base/result.h"
#include "tensor/compute.h"
#include "tensor/matrix.h"
#include "tensor/weight.h"

namespace cairn::tensor {

/// At most 5 % more than the canonical form, where rows fill panels of 16 and columns groups of 32.
std::size_t quantised_packed_bytes(WeightType type, std::size_t rows, std::size_t cols);
/// W is canonical, `out` aligned to 64 bytes. The layout is quantised_format.h's, one for all sets.
Weight pack_quantised(const Compute& compute, const Weight& w, void* out);
/// C[M,N] = A[M,K] * W[N,K]^T for each product; A is quantised once, so all weights have one type.
/// W may be canonical, too, which is slow but gives the same bits.
void matmul_nt_quantised(const Compute& compute, ConstMatrix a, std::span<const Product> products);
/// out[k] = fma(scale, q, -minimum), one rounding.
void quantised_row(const Weight& w, std::size_t row, float* out);
/// fp32 to Q8_0, Q4_0, Q4_1, Q5_0, Q5_1 (as GGUF's reference quantisers round) or W8A8-row.
/// kInvalid for values that are not finite or too large for the type's scale, kUnsupported for the
/// K-quants.
Status quantise(ConstMatrix values, WeightType type, void* out);

}  // namespace cairn::tensor
