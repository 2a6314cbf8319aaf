#include "node/invariant_watch.h"

#include <utility>

namespace cairn::node {

InvariantWatch::InvariantWatch(LedgerLane& lane, LoopView view, InvariantOptions options,
                               OnBreach on_breach)
    : lane_(lane),
      view_(view),
      options_(options),
      on_breach_(std::move(on_breach)),
      next_height_(options.every_blocks) {}

void InvariantWatch::on_tip() {
    const std::uint32_t height = view_.chain.tip()->node->height;
    if (broken_ || height < next_height_) return;
    next_height_ = height + options_.every_blocks;
    judge(check_loop(view_));
    const bool with_coins_root = ++checks_ % options_.checks_per_coins_root == 0;
    lane_.on_lane(
        [with_coins_root](ChainState& state) {
            return check_ledger(std::as_const(state), with_coins_root);
        },
        alive_.guard([this](const Status& held) { judge(held); }));
}

void InvariantWatch::judge(const Status& held) {
    if (held.ok() || std::exchange(broken_, true)) return;
    on_breach_("this node found a fault in its own state (" + held.error().message +
               "): it mines and trains no more; check the machine's memory, then start it again, "
               "and if that does not help, move its chain away and let it fetch it anew");
}

}  // namespace cairn::node
