// CONSENSUS: changing a result here splits the network.
#include "train/srht_body.h"

namespace cairn::train {

const SrhtKernels& srht_kernels_avx512() { return kTable; }

}  // namespace cairn::train
