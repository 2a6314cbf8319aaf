#include "consensus/merge_policy.h"

#include <algorithm>

#include "base/check.h"

namespace cairn::consensus {

std::vector<bool> find_harmful(const std::vector<Scored>& scores, bool lowers) {
    CHECK(!scores.empty());
    std::vector<std::int64_t> shares;
    for (const Scored& scored : scores) shares.push_back(scored.share);
    std::sort(shares.begin(), shares.end());
    const std::int64_t allowed = -std::max<std::int64_t>(0, shares[shares.size() / 2]) / 4;
    const auto harmful = static_cast<std::size_t>(
        std::lower_bound(shares.begin(), shares.end(), allowed) - shares.begin());
    const std::size_t leave = std::max<std::size_t>((harmful + 1) / 2, lowers ? 0 : 1);
    std::vector<bool> result(scores.size(), false);
    std::size_t marked = 0;
    for (std::size_t i = 0; i < scores.size() && marked < leave; ++i) {
        if (scores[i].share > shares[leave - 1]) continue;
        result[i] = true;
        ++marked;
    }
    return result;
}

}  // namespace cairn::consensus
