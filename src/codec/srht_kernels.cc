// CONSENSUS: changing a result here splits the network.
#include "codec/srht_kernels.h"

namespace cairn::codec {

const SrhtKernels& srht_kernels_scalar();
#if defined(__x86_64__)
const SrhtKernels& srht_kernels_avx2();
const SrhtKernels& srht_kernels_avx512();
#endif

const SrhtKernels& srht_kernels(tensor::KernelSet set) {
#if defined(__x86_64__)
    if (set == tensor::KernelSet::kAvx512) return srht_kernels_avx512();
    if (set == tensor::KernelSet::kAvx2) return srht_kernels_avx2();
#endif
    (void)set;
    return srht_kernels_scalar();
}

const SrhtKernels& srht_kernels() {
    static const SrhtKernels& chosen = [&]() -> const SrhtKernels& {
        const Result<const tensor::Kernels*> kernels = tensor::kernels_from_environment();
        return srht_kernels(kernels.ok() ? tensor::kernel_set_of(**kernels)
                                         : tensor::KernelSet::kScalar);
    }();
    return chosen;
}

}  // namespace cairn::codec
