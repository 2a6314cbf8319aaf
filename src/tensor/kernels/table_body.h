// The table of one kernel set, from the bodies over its lanes V and its integer operations D.
#pragma once

#include "tensor/kernels/attention_backward_body.h"
#include "tensor/kernels/attention_body.h"
#include "tensor/kernels/attention_decode_body.h"
#include "tensor/kernels/digits_body.h"
#include "tensor/kernels/elementwise_body.h"
#include "tensor/kernels/gelu_body.h"
#include "tensor/kernels/layernorm_body.h"
#include "tensor/kernels/matmul_body.h"
#include "tensor/kernels/panel_body.h"
#include "tensor/kernels/rows_body.h"

namespace cairn::tensor::kernels {

template <typename V, typename D = DigitLanesScalar>
constexpr Kernels make_table(KernelSet set) {
    return {
        .set = set,
        .matmul_nt = matmul_nt<V>,
        .matmul_nn = matmul_nn<V>,
        .matmul_tn_accumulate = matmul_tn_accumulate<V>,
        .matmul_packed = matmul_packed<V>,
        .reduce_sum = reduce_sum<V>,
        .reduce_dot = reduce_dot<V>,
        .add = add<V>,
        .scale = scale<V>,
        .exp = exp<V>,
        .swiglu_forward = swiglu_forward<V>,
        .swiglu_backward = swiglu_backward<V>,
        .gelu_forward = gelu_forward<V>,
        .gelu_backward = gelu_backward<V>,
        .relu_forward = relu_forward<V>,
        .relu_backward = relu_backward<V>,
        .adamw = adamw<V>,
        .rmsnorm_forward = rmsnorm_forward<V>,
        .rmsnorm_backward = rmsnorm_backward<V>,
        .rmsnorm_backward_gamma = rmsnorm_backward_gamma<V>,
        .layernorm_forward = layernorm_forward<V>,
        .layernorm_backward = layernorm_backward<V>,
        .layernorm_backward_gamma = layernorm_backward_gamma<V>,
        .column_sums_accumulate = column_sums_accumulate<V>,
        .rope = rope<V>,
        .cross_entropy = cross_entropy<V>,
        .attention_forward_scratch = attention_forward_scratch<V>,
        .attention_backward_scratch = attention_backward_scratch<V>,
        .attention_forward = attention_forward<V>,
        .decode_attention_scores = decode_attention_scores<V>,
        .decode_attention_softmax = decode_attention_softmax<V>,
        .decode_attention_values = decode_attention_values<V>,
        .attention_backward = attention_backward<V>,
        .attention_digits = attention_digits<D>,
    };
}

}  // namespace cairn::tensor::kernels
