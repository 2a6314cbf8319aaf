// Whether this machine's clock can be right. A block's time must fit those of others, so a clock
// that is wrong by more than the rules' tolerance cuts a node off in silence: it refuses the blocks
// of others, or mines blocks that all others refuse. It shows in the time of the chain's tip and in
// the clocks of peers, which they tell (MessageKind::kClock). Peers can lie, so what they say is
// only shown, with one exception: if the middle clock of the peers that we chose ourselves is so
// far behind ours that they would refuse our blocks, mining stops.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/clock.h"
#include "net/network.h"

namespace cairn::node {

/// "3 h", "45 s", "12 days": how far clocks are apart, for people.
std::string span_text(std::uint64_t ms);

class ClockWatch {
  public:
    /// `tolerance_ms`: how far ahead of a node's clock a block may be (allowed_drift_ms).
    ClockWatch(const Clock& clock, std::uint64_t tolerance_ms)
        : clock_(clock), tolerance_ms_(tolerance_ms) {}

    void on_peer_clock(net::PeerId peer, bool chosen, std::uint64_t wall_ms);
    void on_peer_down(net::PeerId peer) { peers_.erase(peer); }

    struct Finding {
        std::string trouble;   ///< one sentence; empty: nothing speaks against the clock
        std::string advice;    ///< what to do about it
        bool may_mine = true;  ///< whether others would take what is mined by this clock
        int kind = 0;          ///< which trouble; when it changes, people should be told
    };
    /// `tip_time_ms`: the time in the header of the chain's last block.
    Finding look(std::uint64_t tip_time_ms) const;

  private:
    struct PeerClock {
        bool chosen = false;        ///< by us
        std::uint64_t wall_ms = 0;  ///< as it said
        std::uint64_t at_us = 0;    ///< monotonic, when it said so
    };
    /// How far the middle one of the peers' clocks is ahead of ours.
    std::optional<std::int64_t> peers_ahead_ms(bool only_chosen) const;

    const Clock& clock_;
    std::uint64_t tolerance_ms_;
    std::map<net::PeerId, PeerClock> peers_;
};

}  // namespace cairn::node
