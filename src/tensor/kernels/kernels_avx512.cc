// CONSENSUS: changing a result here splits the network.
#include "tensor/kernels.h"

namespace cairn::tensor {

const Kernels* avx512_kernels() { return nullptr; }

}  // namespace cairn::tensor
