// CONSENSUS: changing a result here splits the network.
#include "tensor/kernels.h"

#if defined(__aarch64__)
#include "tensor/kernels/lanes_neon.h"
#include "tensor/kernels/table_body.h"

namespace cairn::tensor {

const Kernels* neon_kernels() {
    static constexpr Kernels kTable = kernels::make_table<kernels::LanesNeon>(KernelSet::kNeon);
    return &kTable;
}

}  // namespace cairn::tensor

#else

namespace cairn::tensor {

const Kernels* neon_kernels() { return nullptr; }

}  // namespace cairn::tensor

#endif
