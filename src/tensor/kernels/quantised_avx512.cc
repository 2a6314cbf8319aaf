// CONSENSUS: changing a result here splits the network.
#include "tensor/quantised_kernels.h"

namespace cairn::tensor {

const QuantisedKernels* avx512_quantised_kernels() { return reference_quantised_kernels(); }

}  // namespace cairn::tensor
