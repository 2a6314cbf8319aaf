#include "tensor/quantised_kernels.h"

#if defined(__aarch64__)
#include "tensor/kernels/dots_neon.h"
#include "tensor/kernels/quantised_body.h"

namespace cairn::tensor {

const QuantisedKernels* neon_quantised_kernels() {
    static constexpr QuantisedKernels kTable = kernels::make_quantised_table<kernels::DotsNeon>();
    return &kTable;
}

}  // namespace cairn::tensor

#else

namespace cairn::tensor {

const QuantisedKernels* neon_quantised_kernels() { return nullptr; }

}  // namespace cairn::tensor

#endif
