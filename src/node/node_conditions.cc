// What a node notices about itself, and what it reads from the store to be told at once: the parts
// of NodeStatus that change by themselves.
#include "node/node.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "node/upgrades_ahead.h"

namespace cairn::node {
namespace {

/// The latest two published losses of the active chain. A merge block's comes a while after it.
Result<LossView> latest_loss(const store::Store& store, std::uint32_t round_length,
                             const std::vector<chain::TextSource>& sources) {
    constexpr std::uint64_t kRoundsBack = 8;
    ASSIGN_OR_RETURN(const auto tip, store.tip());
    LossView loss;
    if (!tip) return loss;
    const std::uint64_t back = kRoundsBack * round_length;
    ASSIGN_OR_RETURN(const auto merges,
                     store.merges(tip->height > back ? tip->height - back : 0, kRoundsBack + 1));
    for (const store::MergeRecord& merge : merges) {
        if (!merge.report_loss) continue;
        loss = {merge.height, merge.report_loss, loss.report, {}};
        const std::size_t count = std::min(merge.source_losses.size(), sources.size());
        for (std::size_t i = 0; i < count; ++i)
            loss.sources.push_back({sources[i].name, merge.source_losses[i]});
    }
    return loss;
}

}  // namespace

void Node::check_clock() {
    const int before = clock_.kind;
    clock_ = clock_watch_.look(chain_.tip()->node->header.time_ms);
    if (clock_.trouble.empty())
        conditions_.clear(condition::kClock);
    else
        conditions_.set(condition::kClock, clock_.trouble, clock_.advice);
    if (clock_.kind != before) tell_clock();
    const bool mines = mining_wanted_ && clock_.may_mine && !broken_ && chain_.knows_next_block();
    if (miner_.enabled() != mines) miner_.set_enabled(mines);
}

void Node::on_breach(const std::string& breach) {
    conditions_.set(condition::kFault, breach, "");
    broken_ = true;
    trainer_.stop();
    check_clock();
}

void Node::check_upgrades() {
    const auto notice =
        unknown_upgrade(config_.network, chain_.tip()->node->height, chain_.newest());
    if (notice)
        conditions_.set(condition::kUpgrade, notice->message, notice->advice);
    else
        conditions_.clear(condition::kUpgrade);
}

void Node::check_conditions() {
    check_upgrades();
    if (chain_.trouble().empty())
        conditions_.clear(condition::kStorage);
    else
        conditions_.set(condition::kStorage, chain_.trouble(),
                        "it tries again, and follows the chain once it can");
    if (!broken_ && !chain_.fault().empty()) conditions_.set(condition::kFault, chain_.fault(), "");
    ReachWatch::Place place{0, config_.connect, book_.size(), config_.network.name,
                            seams_.network.listen_address()};
    for (const auto& [id, peer] : peers_) place.linked += peer.ready;
    reach_.look(place, seams_.clock.monotonic_us() / 1000, conditions_);
}

// One at a time: blocks that join meanwhile are read together.
void Node::learn_figures(std::function<void()> then) {
    if (learning_figures_) {
        figures_changed_ = true;
        return then();
    }
    learning_figures_ = true;
    if (!config_.fresh) return read_figures({key_}, std::move(then));
    chain_.lane().on_lane(
        [&keys = own_keys_](ChainState& state) { return keys.known(state); },
        alive_.guard([this, then = std::move(then)](std::vector<crypto::PublicKey> keys) {
            read_figures(std::move(keys), then);
        }));
}

void Node::read_figures(std::vector<crypto::PublicKey> keys, std::function<void()> then) {
    offload(
        seams_.loop, Lane::kRead,
        [&store = store_, keys = std::move(keys), length = config_.network.round_length,
         sources = config_.network.sources]() -> Result<Figures> {
            Figures figures;
            ASSIGN_OR_RETURN(figures.loss, latest_loss(store, length, sources));
            for (const crypto::PublicKey& key : keys) {
                ASSIGN_OR_RETURN(const store::Earnings earned, store.earnings(key));
                figures.earned.minted += earned.minted;
                figures.earned.merged += earned.merged;
            }
            return figures;
        },
        alive_.guard([this, then = std::move(then)](const Result<Figures>& figures) {
            learning_figures_ = false;
            if (figures.ok())
                figures_ = *figures;
            else
                log_warn("cannot read what was earned: {}", figures.error().message);
            if (std::exchange(figures_changed_, false)) learn_figures([] {});
            then();
        }));
}

}  // namespace cairn::node
