#include "tensor/quantised_kernels.h"

#if defined(__x86_64__)
#include "tensor/kernels/dots_avx512.h"
#include "tensor/kernels/quantised_body.h"

namespace cairn::tensor {

const QuantisedKernels* avx512_quantised_kernels() {
    static constexpr QuantisedKernels kTable = kernels::make_quantised_table<kernels::DotsAvx512>();
    return &kTable;
}

}  // namespace cairn::tensor

#else

namespace cairn::tensor {

const QuantisedKernels* avx512_quantised_kernels() { return nullptr; }

}  // namespace cairn::tensor

#endif
