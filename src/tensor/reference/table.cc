// CONSENSUS: changing a result here splits the network.
#include "tensor/reference/reference.h"

namespace cairn::tensor {

const Kernels* reference_kernels() {
    namespace ref = reference;
    static const Kernels kTable = {
        .set = KernelSet::kReference,
        .matmul_nt = ref::matmul_nt,
        .matmul_nn = ref::matmul_nn,
        .matmul_tn_accumulate = ref::matmul_tn_accumulate,
        .matmul_packed = ref::matmul_packed,
        .reduce_sum = ref::reduce_sum,
        .reduce_dot = ref::reduce_dot,
        .add = ref::add,
        .scale = ref::scale,
        .exp = ref::exp,
        .swiglu_forward = ref::swiglu_forward,
        .swiglu_backward = ref::swiglu_backward,
        .gelu_forward = ref::gelu_forward,
        .gelu_backward = ref::gelu_backward,
        .relu_forward = ref::relu_forward,
        .relu_backward = ref::relu_backward,
        .adamw = ref::adamw,
        .rmsnorm_forward = ref::rmsnorm_forward,
        .rmsnorm_backward = ref::rmsnorm_backward,
        .rmsnorm_backward_gamma = ref::rmsnorm_backward_gamma,
        .layernorm_forward = ref::layernorm_forward,
        .layernorm_backward = ref::layernorm_backward,
        .layernorm_backward_gamma = ref::layernorm_backward_gamma,
        .column_sums_accumulate = ref::column_sums_accumulate,
        .rope = ref::rope,
        .cross_entropy = ref::cross_entropy,
        .attention_forward_scratch = ref::attention_forward_scratch,
        .attention_backward_scratch = ref::attention_backward_scratch,
        .attention_forward = ref::attention_forward,
        .decode_attention_scores = nullptr,
        .decode_attention_softmax = nullptr,
        .decode_attention_values = nullptr,
        .attention_backward = ref::attention_backward,
        .attention_digits = ref::attention_digits,
    };
    return &kTable;
}

}  // namespace cairn::tensor
