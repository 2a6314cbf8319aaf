#include "gateway/route_shelf.h"

#include <algorithm>
#include <utility>

namespace cairn::gateway {

namespace {

/// The last answer may come back in other tokens, its end token among them.
constexpr std::size_t kEnd = 32;
/// Less is not worth another's conversation.
constexpr std::size_t kLeastShared = 16;

}  // namespace

std::size_t known_of(const Route& route, std::span<const std::uint32_t> prompt) {
    const std::size_t most = std::min(route.text.size(), prompt.size() - 1);
    std::size_t known = 0;
    while (known < most && route.text[known] == prompt[known]) ++known;
    return known;
}

std::optional<Route> RouteShelf::take(const std::shared_ptr<const host::ReadyModel>& model,
                                      std::span<const std::uint32_t> prompt, std::size_t room,
                                      std::uint64_t opened_since_us, bool may_open) {
    auto best = routes_.end();
    std::size_t most = 0;
    for (auto at = routes_.begin(); at != routes_.end(); ++at) {
        if (at->model != model || at->room < room || at->opened_us < opened_since_us) continue;
        const std::size_t known = known_of(*at, prompt);
        // Another turn of it, or its last question asked again.
        const bool goes_on = (known + kEnd >= at->text.size() && 2 * known >= at->text.size()) ||
                             (known >= kLeastShared && known + 1 == prompt.size());
        if ((!goes_on && may_open) || (best != routes_.end() && (!goes_on || known <= most)))
            continue;
        best = at;
        most = goes_on ? known : 0;
    }
    if (best == routes_.end()) return std::nullopt;
    Route route = std::move(*best);
    routes_.erase(best);
    return route;
}

std::optional<Route> RouteShelf::take_oldest() { return take_unused_since(~std::uint64_t{0}); }

std::optional<Route> RouteShelf::take_unused_since(std::uint64_t time_us) {
    if (routes_.empty() || routes_.front().used_us > time_us) return std::nullopt;
    Route route = std::move(routes_.front());
    routes_.pop_front();
    return route;
}

}  // namespace cairn::gateway
