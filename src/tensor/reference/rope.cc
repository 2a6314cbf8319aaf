// CONSENSUS: changing a result here splits the network.
#include "tensor/rope.h"

#include <cmath>

#include "tensor/elementary.h"
#include "tensor/reference/reference.h"

namespace cairn::tensor::reference {

void rope(const RopeRotation& rotation, Matrix x, std::size_t begin, std::size_t end) {
    const std::size_t pairs = rotation.pairs;
    const bool interleaved = rotation.pairing == RopePairing::kInterleaved;
    for (std::size_t i = begin; i < end; ++i) {
        const std::size_t position = rotation.rows.first + i % rotation.rows.tokens;
        const float* cos = rotation.cos + position * pairs;
        const float* sin = rotation.sin + position * pairs;
        for (std::size_t head = 0; head < x.cols; head += 2 * pairs) {
            for (std::size_t p = 0; p < pairs; ++p) {
                float* first = x.row(i) + head + (interleaved ? 2 * p : p);
                float* second = first + (interleaved ? 1 : pairs);
                const float c = cos[p];
                const float s = rotation.sign * sin[p];
                const float x0 = *first;
                const float x1 = *second;
                *first = canonical(std::fma(x0, c, -(x1 * s)));
                *second = canonical(std::fma(x0, s, x1 * c));
            }
        }
    }
}

}  // namespace cairn::tensor::reference
