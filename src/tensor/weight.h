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
#include "tensor/matrix.h"

namespace cairn::tensor {

/// Block formats are GGUF's, little-endian: Q8_0 is {f16 scale, 32 x int8}, Q4_0 {f16 scale, 32
/// nibbles, element i and i + 16 in byte i}; the K-quants are super-blocks of 256. W8A8-row is
/// ours: a row is {f32 scale, cols x int8}; cols is a multiple of 4 and at most 131,072.
enum class WeightType : std::uint8_t {
    kF32 = 0,
    kF16 = 1,
    kBf16 = 2,
    kQ8_0 = 3,
    kQ4_0 = 4,
    kW8A8Row = 5,
    kQ4K = 6,
    kQ5K = 7,
    kQ6K = 8,
};

/// "f32", "f16", "bf16", "q8_0", "q4_0", "w8a8-row", "q4_k", "q5_k", "q6_k".
std::string_view weight_type_name(WeightType type);
Result<WeightType> parse_weight_type(std::string_view name);
/// Columns must be a multiple of this: 1, 4, 32 or 256.
std::size_t weight_group(WeightType type);
/// Bytes of one canonical row; CHECKs that cols is a multiple of the group.
std::size_t weight_row_bytes(WeightType type, std::size_t cols);

/// rows x cols weights, [out, in], that somebody else owns.
struct Weight {
    WeightType type = WeightType::kF32;
    std::size_t rows = 0;
    std::size_t cols = 0;
    const void* data = nullptr;
    bool packed = false;

    Weight() = default;
    Weight(WeightType t, std::size_t n_rows, std::size_t n_cols, const void* values,
           bool is_packed = false)
        : type(t), rows(n_rows), cols(n_cols), data(values), packed(is_packed) {}
    /// Dense fp32, canonical; the stride must be cols.
    Weight(ConstMatrix m) : rows(m.rows), cols(m.cols), data(m.data) { CHECK(m.stride == m.cols); }

    bool empty() const { return data == nullptr; }
    bool is_dense_f32() const { return type == WeightType::kF32 && !packed; }
    /// Training and everything else that needs plain floats; CHECKs is_dense_f32().
    ConstMatrix f32() const {
        CHECK(is_dense_f32());
        return {static_cast<const float*>(data), rows, cols};
    }
    /// Bytes of the canonical form.
    std::size_t canonical_bytes() const { return rows * weight_row_bytes(type, cols); }
};

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

/// fp32 to a canonical type, for exports and for `model convert`; out has rows *
/// weight_row_bytes(type, cols) bytes. Narrowing is to nearest even; q8_0 and q4_0 as GGUF's
/// reference quantisers do it; w8a8-row: scale = max|w| / 127, q = round-half-even(w / scale).
/// kUnsupported for the K-quants, which are read only.
Status quantise_weight(ConstMatrix values, WeightType type, void* out);

}  // namespace cairn::tensor
