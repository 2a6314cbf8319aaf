#include "consensus/merge_policy.h"

#include <algorithm>

#include "base/check.h"

namespace cairn::consensus {

std::vector<bool> find_harmful(const std::vector<std::int64_t>& shares, bool lowers) {
    CHECK(!shares.empty());
    std::vector<std::int64_t> sorted = shares;
    std::sort(sorted.begin(), sorted.end());
    const std::int64_t allowed = -std::max<std::int64_t>(0, sorted[sorted.size() / 2]) / 4;
    const auto harmful = static_cast<std::size_t>(
        std::lower_bound(sorted.begin(), sorted.end(), allowed) - sorted.begin());
    const std::size_t leave = std::max<std::size_t>((harmful + 1) / 2, lowers ? 0 : 1);
    std::vector<bool> result(shares.size(), false);
    std::size_t marked = 0;
    for (std::size_t i = 0; i < shares.size() && marked < leave; ++i) {
        if (shares[i] > sorted[leave - 1]) continue;
        result[i] = true;
        ++marked;
    }
    return result;
}

}  // namespace cairn::consensus
