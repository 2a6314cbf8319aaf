#include "node/clock_watch.h"

#include <algorithm>
#include <vector>

namespace cairn::node {
namespace {

constexpr std::uint64_t kSecond = 1'000, kMinute = 60 * kSecond, kHour = 60 * kMinute,
                        kDay = 24 * kHour;

constexpr const char* kSetIt =
    "set this machine's clock (`timedatectl set-ntp true` keeps it right); the node need not be "
    "restarted";
constexpr const char* kSetWhichever =
    "set whichever is wrong (`timedatectl set-ntp true` keeps this one right); the node need not "
    "be restarted";

constexpr std::uint64_t kLatestMs = std::uint64_t{1}
                                    << 62;  // a peer that tells a later time is taken to tell this

}  // namespace

std::string span_text(std::uint64_t ms) {
    const auto in = [ms](std::uint64_t unit, const char* name) {
        return std::to_string((ms + unit / 2) / unit) + " " + name;
    };
    if (ms < 100 * kSecond) return in(kSecond, "s");
    if (ms < 100 * kMinute) return in(kMinute, "min");
    if (ms < 48 * kHour) return in(kHour, "h");
    return in(kDay, "days");
}

void ClockWatch::on_peer_clock(net::PeerId peer, bool chosen, std::uint64_t wall_ms) {
    peers_[peer] = {chosen, std::min(wall_ms, kLatestMs), clock_.monotonic_us()};
}

std::optional<std::int64_t> ClockWatch::peers_ahead_ms(bool only_chosen) const {
    std::vector<std::int64_t> ahead;
    const auto now = static_cast<std::int64_t>(clock_.wall_ms());
    for (const auto& [id, peer] : peers_) {
        if (only_chosen && !peer.chosen) continue;
        const std::uint64_t theirs = peer.wall_ms + (clock_.monotonic_us() - peer.at_us) / 1000;
        ahead.push_back(static_cast<std::int64_t>(theirs) - now);
    }
    if (ahead.empty()) return std::nullopt;
    std::sort(ahead.begin(), ahead.end());
    // Of two in the middle, the one nearer to our clock.
    const std::int64_t low = ahead[(ahead.size() - 1) / 2], high = ahead[ahead.size() / 2];
    return std::abs(low) < std::abs(high) ? low : high;
}

ClockWatch::Finding ClockWatch::look(std::uint64_t tip_time_ms) const {
    enum { kRight, kBehindTip, kAheadOfPeers, kBehindPeers };
    const std::uint64_t now = clock_.wall_ms();
    if (tip_time_ms > now + tolerance_ms_)
        return {"this machine's clock is " + span_text(tip_time_ms - now) +
                    " behind the chain's last block: until it is set, nothing is mined and newer "
                    "blocks are put off",
                kSetIt, false, kBehindTip};
    const auto chosen = peers_ahead_ms(true);
    const auto ahead = chosen ? chosen : peers_ahead_ms(false);
    const auto tolerance = static_cast<std::int64_t>(tolerance_ms_);
    if (!ahead || std::abs(*ahead) <= tolerance) return {};
    const std::string by = span_text(static_cast<std::uint64_t>(std::abs(*ahead)));
    if (*ahead > 0)
        return {"this machine's clock is " + by +
                    " behind those of its peers, whose blocks are put off",
                kSetWhichever, true, kBehindPeers};
    return {"this machine's clock is " + by + " ahead of those of its peers" +
                (chosen ? ": until it is set, nothing is mined, for they would refuse it" : ""),
            kSetWhichever, !chosen, kAheadOfPeers};
}

}  // namespace cairn::node
