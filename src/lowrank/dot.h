// Private to this room: sums of products in double precision.
#pragma once

#include <cstddef>

namespace cairn::lowrank {

/// In four partial sums, so that the loop becomes vectors; the order is a part of the bits.
inline double dot(const double* a, const double* b, std::size_t count) {
    double sums[4] = {};
    std::size_t i = 0;
    for (; i + 4 <= count; i += 4)
        for (std::size_t lane = 0; lane < 4; ++lane) sums[lane] += a[i + lane] * b[i + lane];
    double sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    for (; i < count; ++i) sum += a[i] * b[i];
    return sum;
}

}  // namespace cairn::lowrank
