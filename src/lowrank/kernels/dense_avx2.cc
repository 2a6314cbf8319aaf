#include "lowrank/dense_kernels.h"

#if defined(__x86_64__)
#include "lowrank/kernels/dense_body.h"

namespace cairn::lowrank {

const DenseKernels* avx2_dense_kernels() { return &kDenseTable; }

}  // namespace cairn::lowrank

#else

namespace cairn::lowrank {

const DenseKernels* avx2_dense_kernels() { return nullptr; }

}  // namespace cairn::lowrank

#endif
