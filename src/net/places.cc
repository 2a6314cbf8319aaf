#include "net/places.h"

#include <algorithm>
#include <map>

namespace cairn::net {
namespace {

std::map<std::string, std::size_t> count_groups(const std::vector<Place>& places) {
    std::map<std::string, std::size_t> counts;
    for (const Place& place : places) ++counts[place.group];
    return counts;
}

}  // namespace

std::optional<PeerId> place_to_yield(std::vector<Place> taken, std::size_t kept_for_use) {
    if (taken.empty()) return std::nullopt;
    const auto drop_first = [&taken](std::size_t count) {
        taken.erase(taken.begin(), taken.begin() + static_cast<std::ptrdiff_t>(count));
    };
    const std::size_t all = taken.size();
    std::ranges::sort(taken, std::greater(), &Place::useful);
    const auto used = static_cast<std::size_t>(
        std::ranges::count_if(taken, [](const Place& place) { return place.useful > 0; }));
    drop_first(std::min({used, kept_for_use, all / 4 * 3}));
    std::ranges::sort(taken, std::less(), &Place::id);
    drop_first(taken.size() / 2);

    const auto counts = count_groups(taken);
    return std::ranges::max_element(taken, std::less(),
                                    [&counts](const Place& place) {
                                        return std::pair(counts.at(place.group), place.id);
                                    })
        ->id;
}

std::optional<PeerId> pending_to_yield(const std::vector<Place>& pending,
                                       const std::string& newcomer) {
    auto counts = count_groups(pending);
    const std::size_t with_newcomer = counts[newcomer] + 1;
    const Place* yields = nullptr;
    for (const Place& place : pending) {
        if (counts[place.group] < with_newcomer) continue;
        if (!yields || counts[place.group] > counts[yields->group] ||
            (counts[place.group] == counts[yields->group] && place.id < yields->id))
            yields = &place;
    }
    if (!yields) return std::nullopt;
    return yields->id;
}

}  // namespace cairn::net
