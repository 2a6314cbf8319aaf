// What operators and kernels have in common: the types of their operands. An operator (matmul.h,
// attention.h, ...) checks shapes and divides the work; a kernel (kernels.h) computes one part.
// Both speak of the values here, and neither needs the other's header. Views of memory are
// matrix.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "tensor/kv_type.h"
#include "tensor/matrix.h"

namespace cairn::tensor {

/// Block formats are GGUF's, little-endian: Q8_0 is {f16 scale, 32 x int8}, Q4_0 {f16 scale, 32
/// nibbles, element i and i + 16 in byte i}; Q4_1 has an f16 minimum behind the scale, Q5_0 and
/// Q5_1 32 fifth bits before the nibbles; the K-quants are super-blocks of 256. W8A8-row is ours: a
/// row is {f32 scale, cols x int8}; cols is a multiple of 4 and at most 131,072.
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
    kQ4_1 = 9,
    kQ5_0 = 10,
    kQ5_1 = 11,
};

/// rows x cols weights, [out, in], that somebody else owns, canonical or packed (weight.h).
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
    /// The values as plain floats, for training and whatever needs them; CHECKs is_dense_f32().
    ConstMatrix f32() const {
        CHECK(is_dense_f32());
        return {static_cast<const float*>(data), rows, cols};
    }
    /// Bytes of the canonical form.
    std::size_t canonical_bytes() const;
    /// The canonical form itself; CHECKs that it is there, and not packed.
    std::span<const std::uint8_t> canonical() const;
};

/// Which of GELU's two forms (gelu.h).
enum class GeluForm { kErf, kTanh };

/// The coefficients of one AdamW step: computed in double, rounded once.
struct AdamwCoefficients {
    float learning_rate;
    float beta1, one_minus_beta1;
    float beta2, one_minus_beta2;
    float bias1, bias2;  ///< 1 - beta^step
    float eps;
    float decay_factor;  ///< 1 - learning_rate * weight_decay, for matrices
};

/// Which elements make a pair: (2i, 2i+1) as in llama2.c and GGUF's llama, or (i, i + d/2) as in
/// Hugging Face models. It belongs to the model.
enum class RopePairing { kInterleaved, kHalves };

/// Which positions the rows of a matrix have: row i is position first + i mod tokens.
struct RopeRows {
    std::size_t tokens;     ///< rows per sequence
    std::size_t first = 0;  ///< position of each sequence's first row
};

/// The rotation of rows [begin, end) of x; sign -1 rotates backwards.
struct RopeRotation {
    const float* cos;
    const float* sin;
    std::size_t pairs;
    RopePairing pairing;
    RopeRows rows;
    float sign;
};

/// Keys are walked in blocks of this many, aligned to absolute position (N4).
inline constexpr std::size_t kKeyBlock = 64;

struct AttentionShape {
    std::size_t sequences = 1;
    std::size_t queries = 0;         ///< per sequence
    std::size_t first_position = 0;  ///< of each sequence's first query; earlier keys are cached
    std::size_t heads = 0;
    std::size_t kv_heads = 0;
    std::size_t head_dim = 0;
    bool causal = true;
    std::size_t window = 0;  ///< keys that a query sees at most, its own the last; 0: all; causal
    /// Keys of another text, which all queries see (cross attention); 0: those of their own. Not
    /// causal then, and first_position means nothing.
    std::size_t source_keys = 0;

    /// Keys per sequence that the operands hold.
    std::size_t keys() const { return source_keys != 0 ? source_keys : first_position + queries; }
    /// Keys of whole blocks, of which the last may be filled in part.
    std::size_t padded_keys() const { return (keys() + kKeyBlock - 1) / kKeyBlock * kKeyBlock; }
    /// How many keys the query in row i of its sequence sees: those at positions below this.
    std::size_t visible(std::size_t i) const { return causal ? first_position + i + 1 : keys(); }
    /// The first key that it sees.
    std::size_t first_key(std::size_t i) const {
        return window == 0 || visible(i) <= window ? 0 : visible(i) - window;
    }
};

/// The softmax of each (query, head): its largest score and the sum of exp(score - max). Backward
/// recomputes the probabilities from these two.
struct AttentionStats {
    float* max = nullptr;  ///< [sequences * queries, heads]
    float* sum = nullptr;  ///< [sequences * queries, heads]
};

/// Keys or values: fp32 rows, or rows as a cache of another type keeps them (N5); f16 and bf16 are
/// widened exactly when they are read, fixed-point numbers are used as they are (digits.h). Row i
/// starts i * stride elements after data.
struct KvRows {
    KvType type = KvType::kF32;
    const void* data = nullptr;
    std::size_t rows = 0;
    std::size_t cols = 0;
    std::size_t stride = 0;

    KvRows(ConstMatrix m) : data(m.data), rows(m.rows), cols(m.cols), stride(m.stride) {}
    KvRows(Matrix m) : KvRows(ConstMatrix(m)) {}
    KvRows(const float* values, std::size_t n_rows, std::size_t n_cols)
        : KvRows(ConstMatrix(values, n_rows, n_cols)) {}
    KvRows(KvType t, const void* values, std::size_t n_rows, std::size_t n_cols)
        : type(t), data(values), rows(n_rows), cols(n_cols), stride(n_cols) {}
};

/// One call's operands.
struct AttentionForward {
    AttentionShape shape;
    ConstMatrix q;
    KvRows k, v;
    Matrix out;
    AttentionStats stats;
};

/// What one call of attention_backward gets.
struct AttentionBackward {
    AttentionShape shape;
    ConstMatrix dout, q, k, v, out;
    AttentionStats stats;
    Matrix dq, dk, dv;
};

/// How many queries of a head one call of attention_forward gets.
inline constexpr std::size_t kQueryBlock = 64;

}  // namespace cairn::tensor
