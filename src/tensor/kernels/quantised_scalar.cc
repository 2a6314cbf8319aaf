#include "tensor/kernels/dots_scalar.h"
#include "tensor/kernels/quantised_body.h"
#include "tensor/quantised_kernels.h"

namespace cairn::tensor {

const QuantisedKernels* scalar_quantised_kernels() {
    static constexpr QuantisedKernels kTable = kernels::make_quantised_table<kernels::DotsScalar>();
    return &kTable;
}

}  // namespace cairn::tensor
