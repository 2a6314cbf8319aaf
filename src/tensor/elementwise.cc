// CONSENSUS: changing a result here splits the network.
#include "tensor/elementwise.h"

#include <bit>
#include <cstdint>

#include "tensor/kernels.h"
#include "tensor/split.h"

namespace cairn::tensor {

namespace {
constexpr std::size_t kGrain = 65536;
}

void add(const Compute& compute, std::size_t count, const float* a, const float* b, float* out) {
    split(compute, count, kGrain, [&](std::size_t begin, std::size_t end) {
        compute.kernels->add(end - begin, a + begin, b + begin, out + begin);
    });
}

void scale(const Compute& compute, std::size_t count, float factor, float* x) {
    split(compute, count, kGrain, [&](std::size_t begin, std::size_t end) {
        compute.kernels->scale(end - begin, factor, x + begin);
    });
}

bool all_finite(std::size_t count, const float* x) {
    constexpr std::uint32_t kExponent = 0x7F800000U;
    bool finite = true;
    for (std::size_t i = 0; i < count; ++i)
        finite = finite && (std::bit_cast<std::uint32_t>(x[i]) & kExponent) != kExponent;
    return finite;
}

}  // namespace cairn::tensor
