// Kernels: one kernel set's functions. Operators (matmul.h, norm.h, ...) check shapes, divide the
// outputs over threads and call these on the parts; a kernel only ever sees one thread. Every set
// must equal the reference bit for bit; tensor/kernel_sets_test.cc checks it.
#pragma once

#include <cstdint>

#include "tensor/compute.h"
#include "tensor/operands.h"

namespace cairn::tensor {

struct Kernels {
    KernelSet set;

    // Products (matmul.h) on views.
    void (*matmul_nt)(ConstMatrix a, ConstMatrix b, Matrix c);
    void (*matmul_nn)(ConstMatrix a, ConstMatrix b, Matrix c);
    void (*matmul_tn_accumulate)(ConstMatrix a, ConstMatrix b, Matrix c);
    /// C = A W^T, W f32, f16 or bf16 in panels of [a.cols][16] (dense_weight.h); c.cols rows of W.
    void (*matmul_packed)(ConstMatrix a, WeightType type, const void* panels, Matrix c);

    // Reductions (reduce.h).
    float (*reduce_sum)(std::size_t count, const float* x);
    float (*reduce_dot)(std::size_t count, const float* x, const float* y);

    // Elementwise.
    void (*add)(std::size_t count, const float* a, const float* b, float* out);
    void (*scale)(std::size_t count, float factor, float* x);
    void (*exp)(std::size_t count, const float* x, float* out);
    void (*swiglu_forward)(std::size_t count, const float* gate, const float* up, float* h);
    void (*swiglu_backward)(std::size_t count, const float* dh, const float* gate, const float* up,
                            float* dgate, float* dup);
    void (*gelu_forward)(GeluForm form, std::size_t count, const float* x, float* y);
    void (*gelu_backward)(GeluForm form, std::size_t count, const float* dy, const float* x,
                          float* dx);
    void (*relu_forward)(std::size_t count, const float* x, float* y);
    void (*relu_backward)(std::size_t count, const float* dy, const float* x, float* dx);
    void (*adamw)(const AdamwCoefficients& coefficients, bool decay, std::size_t count,
                  const float* gradient, float* parameter, float* m, float* v);

    // Rows.
    void (*rmsnorm_forward)(ConstMatrix x, const float* gamma, float eps, Matrix y, float* rstd);
    void (*rmsnorm_backward)(ConstMatrix dy, ConstMatrix x, const float* gamma, const float* rstd,
                             Matrix dx);
    /// All rows, the columns of the views: dgamma[j] += N1 over rows of dy * (x * rstd).
    void (*rmsnorm_backward_gamma)(ConstMatrix dy, ConstMatrix x, const float* rstd, float* dgamma);
    void (*layernorm_forward)(ConstMatrix x, const float* gamma, const float* beta, float eps,
                              Matrix y, float* mean, float* rstd);
    void (*layernorm_backward)(ConstMatrix dy, ConstMatrix x, const float* gamma, const float* mean,
                               const float* rstd, Matrix dx);
    void (*layernorm_backward_gamma)(ConstMatrix dy, ConstMatrix x, const float* mean,
                                     const float* rstd, float* dgamma);
    /// sums[j] += N1 over rows of x.
    void (*column_sums_accumulate)(ConstMatrix x, float* sums);
    void (*rope)(const RopeRotation& rotation, Matrix x, std::size_t begin, std::size_t end);
    void (*cross_entropy)(ConstMatrix logits, const std::uint32_t* targets, float* losses,
                          Matrix dlogits);

    // Attention: forward takes at most kQueryBlock queries [begin, end) of one head, backward all
    // of one key-value head. The scratch is aligned to 64 bytes; its size comes from the first two.
    std::size_t (*attention_forward_scratch)(const AttentionShape& shape);
    std::size_t (*attention_backward_scratch)(const AttentionShape& shape);
    void (*attention_forward)(const AttentionForward& op, std::size_t sequence, std::size_t head,
                              std::size_t begin, std::size_t end, float* scratch);
    // Attention of few queries per sequence (decode), for a head_dim that is a multiple of 16: all
    // scores, then all softmaxes, then all sums, each divided over threads as it suits. A row is
    // one query head of one query: row (kv * queries + i) * group + g is head kv * group + g of
    // query i, where group = heads / kv_heads; with one query, rows are heads. q and out are [rows,
    // head_dim], scores [rows, padded_keys()], sums [rows]. All null where a set has nothing faster
    // than attention_forward.
    /// Key-value heads [kv_begin, kv_end) and keys [key_begin, key_end), the first of which is a
    /// multiple of kKeyBlock.
    void (*decode_attention_scores)(const AttentionForward& op, std::size_t sequence,
                                    const float* q, std::size_t kv_begin, std::size_t kv_end,
                                    std::size_t key_begin, std::size_t key_end, float* scores);
    /// Rows [begin, end), in place.
    void (*decode_attention_softmax)(const AttentionForward& op, std::size_t sequence,
                                     std::size_t begin, std::size_t end, float* scores,
                                     float* sums);
    /// Columns [begin, end) of the values' rows, multiples of 16, for all rows that use them.
    void (*decode_attention_values)(const AttentionForward& op, std::size_t sequence,
                                    std::size_t begin, std::size_t end, const float* scores,
                                    const float* sums, float* out);
    void (*attention_backward)(const AttentionBackward& op, std::size_t sequence,
                               std::size_t kv_head, float* scratch);
    /// As attention_forward, by digits (digits.h): keys and values are of KvType::kDigits. The
    /// scratch holds 4 * keys + 2 * (head_dim rounded up to kDigitPad) floats.
    void (*attention_digits)(const AttentionForward& op, std::size_t sequence, std::size_t head,
                             std::size_t begin, std::size_t end, float* scratch);
};

// Null when this build has no such set.
const Kernels* reference_kernels();
const Kernels* scalar_kernels();
const Kernels* avx2_kernels();
const Kernels* avx512_kernels();
const Kernels* neon_kernels();

}  // namespace cairn::tensor
