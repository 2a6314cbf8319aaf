// Weight: a matrix of weights in one of the types that models are stored in, and the packed form in
// which products read it. A canonical weight lies as files have it, row after row; a packed one in
// panels of 16 rows, so that lanes run across outputs and memory is read once, in order. Both give
// the same bits: packing is invisible in every result (N1 and N2).
//
//   Weight canonical{WeightType::kQ8_0, rows, cols, mapped_bytes};
//   std::vector<..> storage(packed_bytes(type, rows, cols));      // aligned to 64
//   Weight packed = pack_weight(compute, canonical, storage.data());
//   matmul_nt(compute, x, packed, y);
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.h"
#include "tensor/compute.h"
#include "tensor/operands.h"

namespace cairn::tensor {

/// "f32", "f16", "bf16", "q8_0", "q4_0", "w8a8-row", "q4_k", "q5_k", "q6_k", "q4_1", "q5_0",
/// "q5_1".
std::string_view weight_type_name(WeightType type);
Result<WeightType> parse_weight_type(std::string_view name);
/// Columns must be a multiple of this: 1, 4, 32 or 256.
std::size_t weight_group(WeightType type);
/// Bytes of one canonical row; CHECKs that cols is a multiple of the group.
std::size_t weight_row_bytes(WeightType type, std::size_t cols);

/// C[M,N] = A[M,K] * W[N,K]^T for any type, packed or canonical, by N1 (f32, f16, bf16: widened
/// exactly) or N2 (quantised: A is quantised per token and group first).
void matmul_nt(const Compute& compute, ConstMatrix a, const Weight& w, Matrix c);

/// C = A W^T, one of several that share A.
struct Product {
    Weight w;
    Matrix c;
};
/// The same for each product, as one piece of parallel work where their types allow it: queries,
/// keys and values; gate and up. Each result has the bits of its own product.
void matmul_nt(const Compute& compute, ConstMatrix a, std::span<const Product> products);

/// Row `row` as fp32 (an embedding lookup), one rounding per element for the quantised types:
/// out[cols].
void weight_row(const Weight& w, std::size_t row, float* out);

/// Bytes of the packed form, and packing itself; `out` is aligned to 64 bytes and must outlive the
/// result. W must be canonical.
std::size_t packed_bytes(WeightType type, std::size_t rows, std::size_t cols);
Weight pack_weight(const Compute& compute, const Weight& w, void* out);

/// Rows [begin, begin + count) of W as a weight of their own. Of a packed weight only where
/// can_take_rows() says so of all parts; CHECKed.
Weight weight_rows(const Weight& w, std::size_t begin, std::size_t count);
/// Whether a packed weight of this type can be cut into parts of so many rows.
bool can_take_rows(WeightType type, std::size_t count);

/// Y = X * W^T block by block: W [b * r, c] is b blocks one below the other, X [n, b * c] and
/// Y [n, b * r] have them side by side. One block is a plain product. Each output has the bits of
/// its own product.
void matmul_nt_blocks(const Compute& compute, ConstMatrix x, const Weight& w, std::size_t blocks,
                      Matrix y);

/// fp32 to a canonical type, for exports and for `model convert`; out has rows *
/// weight_row_bytes(type, cols) bytes. Narrowing is to nearest even; q8_0, q4_0, q4_1, q5_0
/// and q5_1 as GGUF's reference quantisers do it; w8a8-row: scale = max|w| / 127,
/// q = round-half-even(w / scale). kUnsupported for the K-quants, which are read only.
Status quantise_weight(ConstMatrix values, WeightType type, void* out);

}  // namespace cairn::tensor
