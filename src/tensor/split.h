// Dividing an operator's outputs over the threads of a Compute, and the memory that a part needs
// while it runs. Both are invisible in the results.
#pragma once

#include <cstddef>

#include "tensor/compute.h"

namespace cairn::tensor {

/// Calls body(begin, end) on disjoint ranges that cover [0, count), in multiples of `grain`.
template <typename Body>
void split(const Compute& compute, std::size_t count, std::size_t grain, const Body& body) {
    if (compute.pool == nullptr || compute.pool->size() == 1 || count <= grain) {
        if (count > 0) body(std::size_t{0}, count);
    } else {
        compute.pool->parallel_for(count, grain, body);
    }
}

/// The smallest number of rows worth a thread, for rows of `cost` operations each: handing work to
/// a thread that is polling for it takes about a microsecond, the time of some 10,000 operations.
inline std::size_t grain_for(std::size_t cost) {
    constexpr std::size_t kWorthAThread = 32768;
    return cost >= kWorthAThread ? 1 : kWorthAThread / (cost + 1) + 1;
}

/// Two scratch memories in use at the same time: operators prepare operands, kernels pack.
enum class Scratch : std::size_t { kKernel = 0, kOperator = 1 };

/// `count` floats, aligned to 64 bytes, that stay valid until this thread asks again for the same
/// purpose. Grows only; nothing is allocated once the largest request has been met.
float* thread_scratch(std::size_t count, Scratch purpose = Scratch::kKernel);

}  // namespace cairn::tensor
