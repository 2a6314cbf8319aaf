// CONSENSUS: changing a result here splits the network.
#include "tensor/reduce.h"

#include "tensor/kernels.h"

namespace cairn::tensor {

float reduce_sum(const Compute& compute, std::size_t count, const float* x) {
    return compute.kernels->reduce_sum(count, x);
}

float reduce_sumsq(const Compute& compute, std::size_t count, const float* x) {
    return compute.kernels->reduce_dot(count, x, x);
}

float reduce_dot(const Compute& compute, std::size_t count, const float* x, const float* y) {
    return compute.kernels->reduce_dot(count, x, y);
}

}  // namespace cairn::tensor
