#include "node/largest_coins.h"

#include <algorithm>
#include <utility>

namespace cairn::node {

std::vector<chain::OutPoint> largest_coins(const consensus::CoinSet& coins,
                                           const std::set<crypto::PublicKey>& keys,
                                           std::size_t most) {
    std::set<chain::OutPoint> owned;  // a channel may be of two of them
    for (const crypto::PublicKey& key : keys)
        for (const chain::OutPoint& outpoint : coins.of(key)) owned.insert(outpoint);
    std::vector<std::pair<std::uint64_t, chain::OutPoint>> found;
    for (const chain::OutPoint& outpoint : owned)
        found.emplace_back(coins.find(outpoint)->output.amount, outpoint);
    if (found.size() > most) {
        std::ranges::nth_element(found, found.begin() + static_cast<std::ptrdiff_t>(most),
                                 [](const auto& a, const auto& b) {
                                     if (a.first != b.first) return a.first > b.first;
                                     return a.second < b.second;
                                 });
        found.resize(most);
        std::ranges::sort(found, {}, [](const auto& each) { return each.second; });
    }
    std::vector<chain::OutPoint> largest;
    for (const auto& [amount, outpoint] : found) largest.push_back(outpoint);
    return largest;
}

}  // namespace cairn::node
