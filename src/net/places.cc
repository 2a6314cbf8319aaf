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

/// The oldest of the most crowded group, if that has `least` places or more.
std::optional<PeerId> oldest_of_crowd(const std::vector<Place>& places, std::size_t least) {
    const auto counts = count_groups(places);
    const Place* yields = nullptr;
    for (const Place& place : places) {
        const std::size_t count = counts.at(place.group);
        if (count < least) continue;
        if (!yields || count > counts.at(yields->group) ||
            (count == counts.at(yields->group) && place.id < yields->id))
            yields = &place;
    }
    if (!yields) return std::nullopt;
    return yields->id;
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
    return oldest_of_crowd(pending, count_groups(pending)[newcomer] + 1);
}

std::optional<PeerId> used_to_yield(const std::vector<Place>& used, const std::string& newcomer) {
    return oldest_of_crowd(used, count_groups(used)[newcomer] + 2);
}

}  // namespace cairn::net
