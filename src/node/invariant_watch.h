// Asks a node's invariants (invariants.h) when it starts, and then every so many blocks; of headers
// and active chain only what is new, since everything else on the loop waits meanwhile. A breach
// means that this node's memory, disk or program is at fault. It is said once, and the owner should
// stop building on a state that is wrong.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "node/invariants.h"

namespace cairn::node {

struct InvariantOptions {
    std::uint32_t every_blocks = 32;
    /// Of the checks, one in so many hashes all coins anew.
    std::uint32_t checks_per_coins_root = 32;
};

class InvariantWatch {
  public:
    /// `on_breach` gets a sentence for people, at most once.
    using OnBreach = std::function<void(const std::string&)>;

    /// What `view` names must outlive it.
    InvariantWatch(LedgerLane& lane, LoopView view, InvariantOptions options, OnBreach on_breach);

    /// Call when the chain is restored: asks all of them, and says so in the log.
    void on_start();
    /// Call when the tip has moved and everything on the loop has followed it.
    void on_tip();

  private:
    void ask(bool with_coins_root, std::function<void()> held = {});
    bool judge(const Status& held);

    LedgerLane& lane_;
    LoopView view_;
    LookedAt looked_at_;
    InvariantOptions options_;
    OnBreach on_breach_;
    std::uint32_t next_height_;
    std::uint32_t checks_ = 0;
    bool broken_ = false;
    Alive alive_;
};

}  // namespace cairn::node
