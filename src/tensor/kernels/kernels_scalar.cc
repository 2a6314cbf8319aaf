// CONSENSUS: changing a result here splits the network.
#include "tensor/kernels.h"

namespace cairn::tensor {

const Kernels* scalar_kernels() { return nullptr; }

}  // namespace cairn::tensor
