#include "tensor/quantised_kernels.h"

#if defined(__x86_64__)
#include "tensor/kernels/dots_avx2.h"
#include "tensor/kernels/quantised_body.h"

namespace cairn::tensor {

const QuantisedKernels* avx2_quantised_kernels() {
    static constexpr QuantisedKernels kTable = kernels::make_quantised_table<kernels::DotsAvx2>();
    return &kTable;
}

}  // namespace cairn::tensor

#else

namespace cairn::tensor {

const QuantisedKernels* avx2_quantised_kernels() { return nullptr; }

}  // namespace cairn::tensor

#endif
