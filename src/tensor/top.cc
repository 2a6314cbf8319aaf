#include "tensor/top.h"

#include <algorithm>
#include <limits>

#include "base/check.h"

namespace cairn::tensor {

float largest(std::span<const float> values) {
    // sixteen at a time, so that comparisons need not wait for each other
    float lanes[16];
    std::fill(std::begin(lanes), std::end(lanes), -std::numeric_limits<float>::infinity());
    std::size_t i = 0;
    for (; i + 16 <= values.size(); i += 16)
        for (std::size_t lane = 0; lane < 16; ++lane)
            lanes[lane] = values[i + lane] > lanes[lane] ? values[i + lane] : lanes[lane];
    float m = lanes[0];
    for (const float lane : lanes) m = lane > m ? lane : m;
    for (; i < values.size(); ++i) m = values[i] > m ? values[i] : m;
    return m;
}

void select_top(std::span<const float> values, std::size_t count, std::vector<Ranked>& best) {
    CHECK(count > 0 && count <= values.size());
    // Values below the worst of the best so far are passed over; when the list has twice its
    // length it is cut back. Ids ascend, so that a later equal never wins.
    const std::size_t limit = std::max<std::size_t>(2 * count, 256);
    best.clear();
    best.reserve(limit);
    const auto cut = [&] {
        const auto last = best.begin() + static_cast<std::ptrdiff_t>(count - 1);
        std::nth_element(best.begin(), last, best.end(), likelier);
        best.resize(count);
    };
    bool full = false;
    float worst = 0.0F;
    for (std::size_t id = 0; id < values.size(); ++id) {
        if (full && !(values[id] > worst)) continue;
        best.push_back({static_cast<std::uint32_t>(id), values[id]});
        if (best.size() < limit) continue;
        cut();
        full = true;
        worst = best[count - 1].value;
    }
    if (best.size() > count) cut();
}

}  // namespace cairn::tensor
