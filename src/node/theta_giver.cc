#include "node/theta_giver.h"

#include <utility>

#include "base/log.h"
#include "consensus/state_root.h"
#include "node/served_model.h"

namespace cairn::node {

/// A copy of the model, and what leads from its root to its block's state root.
struct ThetaGiver::Made {
    const BlockNode* merge = nullptr;
    const BlockNode* anchor = nullptr;
    std::optional<ThetaCopy> copy;
    Hash256 coins_root, rules_root;
    std::shared_ptr<const fetch::LeafSource> source;
};

ThetaGiver::ThetaGiver(const chain::NetworkDefinition& network, const Clock& clock, Loop& loop,
                       net::Network& links, ActiveChain& chain, const ModelReader* reader,
                       fetch::GiverOptions options)
    : network_(network),
      clock_(clock),
      loop_(loop),
      chain_(chain),
      reader_(reader),
      giver_(loop, links, clock, std::move(options)) {
    if (reader != nullptr)
        giver_.set_newest(
            [this](fetch::WeightsGiver::NewestAnswer answer) { newest(std::move(answer)); });
}

bool ThetaGiver::is_current() const {
    if (!newest_) return false;
    const BlockNode* tip = chain_.tip()->node;
    const BlockNode* merge = settled_merge(network_, tip, clock_.wall_ms());
    // While a new merge block does not stand firm, the model before it is the newest.
    return (merge == nullptr || merge == merge_) && ancestor_at(tip, anchor_->height) == anchor_;
}

void ThetaGiver::newest(fetch::WeightsGiver::NewestAnswer answer) {
    if (is_current()) return answer(newest_);
    asking_.push_back(std::move(answer));
    if (asking_.size() == 1) make();
}

void ThetaGiver::make() {
    chain_.lane().on_lane(
        [reader = reader_, network = &network_, now_ms = clock_.wall_ms()](ChainState& state) {
            Made made;
            made.merge = settled_merge(*network, state.tip(), now_ms);
            if (made.merge == nullptr) return made;
            made.copy = reader->theta(state);
            if (!made.copy) return made;
            made.anchor = state.tip();
            made.coins_root = state.ledger().coins().root();
            made.rules_root = state.ledger().rules().root(made.copy->recent_merges_root);
            return made;
        },
        alive_.guard([this](Made made) {
            if (!made.anchor) return take(std::move(made));
            offload(
                loop_, Lane::kServe,
                [made = std::move(made)]() mutable {
                    made.source =
                        fetch::leaves_of_chain(made.copy->config, std::move(made.copy->theta));
                    return std::move(made);
                },
                alive_.guard([this](Made hashed) { take(std::move(hashed)); }));
        }));
}

void ThetaGiver::take(Made made) {
    if (made.source) {
        const Hash256 root =
            consensus::state_root(made.source->manifest().root, made.coins_root, made.rules_root);
        if (root == made.anchor->header.state_root) {
            giver_.offer(made.source);
            merge_ = made.merge;
            anchor_ = made.anchor;
            newest_ = {made.source->name(), {made.anchor->hash, made.coins_root, made.rules_root}};
        } else {
            log_error("the model in memory is not the one of block {}: it is not given to peers",
                      short_hex(made.anchor->hash));
        }
    }
    const auto answered = made.source ? newest_ : std::nullopt;
    for (const auto& answer : std::exchange(asking_, {})) answer(answered);
}

}  // namespace cairn::node
