#include "lowrank/kernels/dense_body.h"

namespace cairn::lowrank {

const DenseKernels* plain_dense_kernels() { return &kDenseTable; }

}  // namespace cairn::lowrank
