#include "node/invariant_watch.h"

#include <utility>

#include "base/log.h"

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
    ask(++checks_ % options_.checks_per_coins_root == 0);
}

void InvariantWatch::on_start() {
    ask(true, [height = view_.chain.tip()->node->height] {
        log_info("restored at height {}; what must be true of a node is (I1 to I11)", height);
    });
}

void InvariantWatch::ask(bool with_coins_root, std::function<void()> held) {
    next_height_ = view_.chain.tip()->node->height + options_.every_blocks;
    const bool loop_held = judge(check_loop(view_, &looked_at_));
    lane_.on_lane(
        [with_coins_root](ChainState& state) {
            return check_ledger(std::as_const(state), with_coins_root);
        },
        alive_.guard([this, loop_held, held = std::move(held)](const Status& ledger_held) {
            if (judge(ledger_held) && loop_held && held) held();
        }));
}

bool InvariantWatch::judge(const Status& held) {
    if (held.ok()) return true;
    if (std::exchange(broken_, true)) return false;
    on_breach_("this node found a fault in its own state (" + held.error().message +
               "): it mines and trains no more; check the machine's memory, then start it again, "
               "and if that does not help, move its chain away and let it fetch it anew");
    return false;
}

}  // namespace cairn::node
