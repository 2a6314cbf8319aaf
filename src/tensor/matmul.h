// Matrix products by N1 (docs/spec/numerics.md): k is cut into chunks of 256; in a chunk an
// accumulator starts at +0 and takes fma(a, b, acc) in ascending k; the chunk sums are added in
// ascending order. Everything that a transformer multiplies goes through these three.
//
// Results must not overlap operands.
#pragma once

#include "tensor/compute.h"
#include "tensor/matrix.h"

namespace cairn::tensor {

/// How many terms one accumulator takes before its sum is added to the result.
inline constexpr std::size_t kChunk = 256;

/// C[M,N] = A[M,K] * B[N,K]^T. Forward: activations times weights stored [out, in].
void matmul_nt(const Compute& compute, ConstMatrix a, ConstMatrix b, Matrix c);

/// C[M,N] = A[M,K] * B[K,N]. Backward to the input: dX = dY * W.
void matmul_nn(const Compute& compute, ConstMatrix a, ConstMatrix b, Matrix c);

/// C[M,N] += A[K,M]^T * B[K,N]. Backward to the weights: dW += dY^T * X over K tokens. The chunk
/// sums go straight to C, so a leaf cut into microbatches of multiples of 256 tokens gives the
/// bits of the whole leaf.
void matmul_tn_accumulate(const Compute& compute, ConstMatrix a, ConstMatrix b, Matrix c);

}  // namespace cairn::tensor
