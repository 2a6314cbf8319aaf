// CONSENSUS: changing a result here splits the network.
#include "tensor/kernels.h"

#if defined(__x86_64__)
#include "tensor/kernels/digit_lanes_avx2.h"
#include "tensor/kernels/lanes_avx2.h"
#include "tensor/kernels/table_body.h"

namespace cairn::tensor {

const Kernels* avx2_kernels() {
    static constexpr Kernels kTable =
        kernels::make_table<kernels::LanesAvx2, kernels::DigitLanesAvx2>(KernelSet::kAvx2);
    return &kTable;
}

}  // namespace cairn::tensor

#else

namespace cairn::tensor {

const Kernels* avx2_kernels() { return nullptr; }

}  // namespace cairn::tensor

#endif
