// The table of one kernel set, from the bodies over its lanes V.
#pragma once

#include "tensor/kernels/attention_backward_body.h"
#include "tensor/kernels/attention_body.h"
#include "tensor/kernels/elementwise_body.h"
#include "tensor/kernels/matmul_body.h"
#include "tensor/kernels/panel_body.h"
#include "tensor/kernels/rows_body.h"

namespace cairn::tensor::kernels {

template <typename V>
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
        .adamw = adamw<V>,
        .rmsnorm_forward = rmsnorm_forward<V>,
        .rmsnorm_backward = rmsnorm_backward<V>,
        .rmsnorm_backward_gamma = rmsnorm_backward_gamma<V>,
        .rope = rope<V>,
        .cross_entropy = cross_entropy<V>,
        .attention_forward_scratch = attention_forward_scratch<V>,
        .attention_backward_scratch = attention_backward_scratch<V>,
        .attention_forward = attention_forward<V>,
        .attention_backward = attention_backward<V>,
    };
}

}  // namespace cairn::tensor::kernels
