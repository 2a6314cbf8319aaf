// CONSENSUS: changing a result here splits the network.
//
// N3: 16 lanes, folded 8, 4, 2, 1; rows longer than 4096 per 4096, then over the results.
#include "tensor/reduce.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "tensor/elementary.h"
#include "tensor/reference/reference.h"

namespace cairn::tensor::reference {

namespace {

float fold(float (&lanes)[kLanes]) {
    for (std::size_t width = kLanes / 2; width >= 1; width /= 2)
        for (std::size_t lane = 0; lane < width; ++lane) lanes[lane] += lanes[lane + width];
    return lanes[0];
}

}  // namespace

float reduce_sum(std::size_t count, const float* x) {
    if (count > kReduceBlock) {
        std::vector<float> results;
        for (std::size_t i = 0; i < count; i += kReduceBlock)
            results.push_back(reduce_sum(std::min(kReduceBlock, count - i), x + i));
        return reduce_sum(results.size(), results.data());
    }
    float lanes[kLanes] = {};
    for (std::size_t i = 0; i < count; ++i) lanes[i % kLanes] += x[i];
    return canonical(fold(lanes));
}

float reduce_dot(std::size_t count, const float* x, const float* y) {
    if (count > kReduceBlock) {
        std::vector<float> results;
        for (std::size_t i = 0; i < count; i += kReduceBlock)
            results.push_back(reduce_dot(std::min(kReduceBlock, count - i), x + i, y + i));
        return reduce_sum(results.size(), results.data());
    }
    float lanes[kLanes] = {};
    for (std::size_t i = 0; i < count; ++i)
        lanes[i % kLanes] = std::fma(x[i], y[i], lanes[i % kLanes]);
    return canonical(fold(lanes));
}

}  // namespace cairn::tensor::reference
