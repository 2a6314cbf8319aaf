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
    StateParts parts;
    std::shared_ptr<const fetch::LeafSource> source;
};

namespace {

/// The first block of the merge block's round whose state's parts are known, if it is settled; else
/// null.
const BlockNode* firm_block(const chain::NetworkDefinition& network, const ChainState& state,
                            const BlockNode* merge, std::uint64_t now_ms, StateParts& parts) {
    const BlockNode* tip = state.tip();
    const BlockNode* first = nullptr;
    for (const BlockNode* node = tip; node != nullptr; node = node->parent) {
        const auto known = state.parts_at(node);
        if (!known) break;
        first = node;
        parts = *known;
        if (node == merge) break;
    }
    if (first == nullptr || first->height >= merge->height + network.round_length ||
        !is_settled(network, first->height, tip->height, tip->header.time_ms, now_ms))
        return nullptr;
    return first;
}

}  // namespace

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
    return merge == merge_ && ancestor_at(tip, anchor_->height) == anchor_;
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
            made.anchor = firm_block(*network, state, made.merge, now_ms, made.parts);
            if (made.anchor != nullptr) made.copy = reader->theta_at(state, made.anchor);
            return made;
        },
        alive_.guard([this](Made made) {
            if (!made.copy) return take(std::move(made));
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
        const Hash256 root = consensus::state_root(made.source->manifest().root,
                                                   made.parts.coins_root, made.parts.rules_root);
        if (root == made.anchor->header.state_root) {
            giver_.offer(made.source);
            merge_ = made.merge;
            anchor_ = made.anchor;
            newest_ = {made.source->name(),
                       {made.anchor->hash, made.parts.coins_root, made.parts.rules_root}};
        } else {
            log_error("the model in memory is not the one of block {}: it is not given to peers",
                      short_hex(made.anchor->hash));
        }
    }
    const auto answered = made.source ? newest_ : std::nullopt;
    for (const auto& answer : std::exchange(asking_, {})) answer(answered);
}

}  // namespace cairn::node
