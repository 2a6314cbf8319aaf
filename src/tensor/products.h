// Dividing the outputs of several products with one input over the threads as one piece of work:
// small products one by one would spend much of their time on starting and on waiting for the last
// thread. Which of them run together is invisible in the results.
#pragma once

#include <algorithm>
#include <span>

#include "tensor/split.h"
#include "tensor/weight.h"

namespace cairn::tensor {

/// Calls body(product, begin, end) for ranges of rows of W that together cover all of them; each
/// begins at a multiple of `grain`.
template <typename Body>
void split_products(const Compute& compute, std::span<const Product> products, std::size_t grain,
                    const Body& body) {
    const auto room = [grain](const Product& p) { return (p.w.rows + grain - 1) / grain * grain; };
    std::size_t total = 0;
    for (const Product& product : products) total += room(product);
    split(compute, total, grain, [&](std::size_t begin, std::size_t end) {
        std::size_t first = 0;
        for (const Product& product : products) {
            const std::size_t from = std::max(begin, first);
            const std::size_t to = std::min(end, first + product.w.rows);
            if (from < to) body(product, from - first, to - first);
            first += room(product);
        }
    });
}

}  // namespace cairn::tensor
