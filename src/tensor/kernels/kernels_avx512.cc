// CONSENSUS: changing a result here splits the network.
#include "tensor/kernels.h"

#if defined(__x86_64__)
#include "tensor/kernels/digit_lanes_avx512.h"
#include "tensor/kernels/lanes_avx512.h"
#include "tensor/kernels/table_body.h"

namespace cairn::tensor {

const Kernels* avx512_kernels() {
    static constexpr Kernels kTable =
        kernels::make_table<kernels::LanesAvx512, kernels::DigitLanesAvx512>(KernelSet::kAvx512);
    return &kTable;
}

}  // namespace cairn::tensor

#else

namespace cairn::tensor {

const Kernels* avx512_kernels() { return nullptr; }

}  // namespace cairn::tensor

#endif
