#include "node/audit_order.h"

#include <algorithm>
#include <map>
#include <numeric>

namespace cairn::node {

std::vector<std::size_t> audit_order(std::span<const std::string> groups, Random& random) {
    std::vector<std::size_t> order(groups.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    for (std::size_t i = order.size(); i > 1; --i)
        std::swap(order[i - 1], order[static_cast<std::size_t>(random.below(i))]);
    std::map<std::string, std::size_t> of_group;
    std::vector<std::size_t> before(groups.size());  // of the same group
    for (const std::size_t at : order) before[at] = of_group[groups[at]]++;
    std::ranges::stable_sort(order, {}, [&](std::size_t at) { return before[at]; });
    return order;
}

}  // namespace cairn::node
