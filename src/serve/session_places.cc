#include "serve/session_places.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace cairn::serve {
namespace {

/// What each part of the network and each key in it hold.
struct Sums {
    std::map<std::string, std::uint64_t> groups;
    std::map<std::pair<std::string, crypto::PublicKey>, std::uint64_t> keys;
    std::uint64_t all = 0;

    explicit Sums(const std::vector<HeldSession>& held) {
        for (const HeldSession& session : held) {
            groups[session.share.group] += session.share.bytes;
            keys[{session.share.group, session.share.key}] += session.share.bytes;
            all += session.share.bytes;
        }
    }
    std::uint64_t of_group(const MemoryShare& who) const {
        const auto found = groups.find(who.group);
        return found == groups.end() ? 0 : found->second;
    }
    std::uint64_t of_key(const MemoryShare& who) const {
        const auto found = keys.find({who.group, who.key});
        return found == keys.end() ? 0 : found->second;
    }
};

bool may_yield(const HeldSession& session, const MemoryShare& asks, const Sums& sums) {
    const bool at_work = session.unused_ms < kRestMs;
    const bool same = session.share.group == asks.group;
    if (same && session.share.key == asks.key) return !at_work;
    const std::uint64_t theirs = same ? sums.of_key(session.share) : sums.of_group(session.share);
    const std::uint64_t ours = same ? sums.of_key(asks) : sums.of_group(asks);
    if (at_work) return theirs > ours + asks.bytes;
    return session.computed ? theirs >= ours + asks.bytes : theirs >= ours;
}

}  // namespace

std::optional<std::vector<std::uint64_t>> sessions_to_yield(std::vector<HeldSession> held,
                                                            const MemoryShare& asks,
                                                            std::uint64_t all) {
    std::vector<std::uint64_t> yield;
    for (;;) {
        const Sums sums(held);
        if (asks.bytes <= all && sums.all <= all - asks.bytes) return yield;
        const auto first = [&](const HeldSession& session) {
            const bool idle = session.unused_ms >= kRestMs && !session.computed;
            return std::tuple(may_yield(session, asks, sums), idle, sums.of_group(session.share),
                              sums.of_key(session.share), session.unused_ms, session.serial);
        };
        const auto next = std::ranges::max_element(held, {}, first);
        if (next == held.end() || !may_yield(*next, asks, sums)) return std::nullopt;
        yield.push_back(next->serial);
        held.erase(next);
    }
}

}  // namespace cairn::serve
