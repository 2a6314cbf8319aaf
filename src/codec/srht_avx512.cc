// CONSENSUS: changing a result here splits the network.
#include "codec/srht_body.h"

namespace cairn::codec {

const SrhtKernels& srht_kernels_avx512() { return kTable; }

}  // namespace cairn::codec
