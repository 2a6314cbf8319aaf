#include "lowrank/dense_kernels.h"

#include "base/check.h"

namespace cairn::lowrank {

const DenseKernels& dense_kernels_of(const tensor::Kernels& kernels) {
    const DenseKernels* found = nullptr;
    switch (tensor::kernel_set_of(kernels)) {
        case tensor::KernelSet::kAvx2:
            found = avx2_dense_kernels();
            break;
        case tensor::KernelSet::kAvx512:
            found = avx512_dense_kernels();
            break;
        default:
            found = plain_dense_kernels();
    }
    CHECK(found != nullptr);
    return *found;
}

}  // namespace cairn::lowrank
