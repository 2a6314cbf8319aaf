#include "node/invariants.h"

#include <algorithm>
#include <set>

#include "base/int128.h"
#include "consensus/issuance.h"

namespace cairn::node {
namespace {

Error breach(const char* name, const std::string& what) {
    return Error{ErrorCode::kInvalid, std::string(name) + ": " + what};
}

std::string at(const BlockNode* node) {
    return "block " + short_hex(node->hash) + " at height " + std::to_string(node->height);
}

}  // namespace

// I1. The tip is a block that was found valid by all rules, and what the loop knows of the state
// after it is what its header says.
Status check_tip(const LoopView& view) {
    const TipInfo& tip = *view.chain.tip();
    const BlockNode* node = tip.node;
    if (node->invalid)
        return breach("I1", "the tip, " + at(node) + ", is invalid: " + node->reason);
    if (!node->connected) return breach("I1", "the tip, " + at(node) + ", was never connected");
    if (tip.state_root != node->header.state_root)
        return breach("I1", "the state root is not that of the tip's header, " + at(node));
    if (tip.next.height != node->height + 1)
        return breach("I1", "the next block's height does not follow the tip's, " + at(node));
    if (view.chain.active_at(node->height) != node || view.chain.active_at(node->height + 1))
        return breach("I1", "the active chain does not end at the tip, " + at(node));
    return ok_status();
}

// I2. A node that is neither moving nor waiting after a failure of its own follows the branch
// with the most work whose bodies it has and of which it knows no broken rule.
Status check_most_work(const LoopView& view) {
    if (!view.chain.is_settled()) return ok_status();
    const BlockNode* best = view.chain.best_candidate();
    if (best->work > view.chain.tip()->node->work)
        return breach("I2", at(best) + " has more work than the tip, and nothing moves");
    return ok_status();
}

// I3. The active chain is linked from genesis to the tip, and every block of it was valid.
Status check_active_chain(const LoopView& view, LookedAt* looked_at) {
    const BlockNode* tip = view.chain.tip()->node;
    const BlockNode* below = nullptr;
    if (looked_at && looked_at->tip) below = common_ancestor(looked_at->tip, tip);
    for (std::uint32_t height = below ? below->height + 1 : 0; height <= tip->height; ++height) {
        const BlockNode* node = view.chain.active_at(height);
        if (!node) return breach("I3", "the active chain lacks height " + std::to_string(height));
        if (node->height != height || node->parent != below)
            return breach("I3", at(node) + " does not follow the block below it");
        if (node->invalid || !node->connected)
            return breach("I3", at(node) + " is in the active chain and was not found valid");
        below = node;
    }
    if (looked_at) looked_at->tip = tip;
    return ok_status();
}

namespace {

Status check_header(const BlockTree& tree, const BlockNode& node) {
    if (node.parent == nullptr) {
        if (&node != tree.genesis()) return breach("I4", at(&node) + " hangs in the air");
        return ok_status();
    }
    if (node.height != node.parent->height + 1 || node.header.previous != node.parent->hash)
        return breach("I4", at(&node) + " does not follow its parent");
    if (node.work != consensus::add_work(node.parent->work, node.header.target))
        return breach("I4", "the work of " + at(&node) + " is not its parent's and its own");
    if (node.parent->invalid && !node.invalid)
        return breach("I4", at(&node) + " stands on an invalid block and is not marked");
    if (node.has_path && !(node.has_body && node.parent->has_path))
        return breach("I4", at(&node) + " is said to have all bodies below it");
    if (!node.invalid && node.work > tree.best_header()->work)
        return breach("I4", at(&node) + " has more work than the best header");
    return ok_status();
}

}  // namespace

// I4. Height and work of each header follow from its parent's; nothing valid stands on something
// invalid; the best header is the best.
Status check_tree(const LoopView& view, LookedAt* looked_at) {
    const BlockTree& tree = view.chain.tree();
    const std::size_t first = looked_at ? looked_at->headers : 0;
    std::size_t end = tree.in_order().size();
    if (first > 0) end = std::min(end, first + kMaxNewHeaders);
    for (std::size_t i = first; i < end; ++i)
        RETURN_IF_ERROR(check_header(tree, *tree.in_order()[i]));
    if (looked_at) looked_at->headers = end;
    return ok_status();
}

// I5. What the pool holds could go into the next block: no coin is spent twice, commitments are
// of the round that is open, contributions reveal what this branch has carried.
Status check_pool(const LoopView& view) {
    const TipInfo& tip = *view.chain.tip();
    const chain::NetworkDefinition& network = view.chain.network();
    std::set<chain::OutPoint> spent;
    for (const ItemPtr& item : view.pool.payments().by_fee_rate())
        for (const chain::OutPoint& input : item->payment().inputs) {
            if (!spent.insert(input).second)
                return breach("I5", "two payments of the pool spend one coin; one is payment " +
                                        short_hex(item->name.id));
            if (!view.pool.spends(input))
                return breach("I5", "the pool does not know what payment " +
                                        short_hex(item->name.id) + " spends");
        }
    std::set<crypto::PublicKey> keys;
    for (const auto& [id, item] : view.pool.commitments()) {
        const chain::Commitment& commitment = item->commitment();
        if (commitment.round != network.round_of(tip.next.height))
            return breach("I5", "commitment " + short_hex(id) + " is of another round");
        if (!keys.insert(commitment.key).second)
            return breach("I5", "commitment " + short_hex(id) + " is its key's second one");
        if (tip.rules.find(id))
            return breach("I5", "commitment " + short_hex(id) + " is in a block already");
    }
    for (const auto& [id, contribution] : view.pool.contributions())
        if (!tip.rules.find(id))
            return breach("I5", "the pool has a payload for commitment " + short_hex(id) +
                                    ", which is not open");
    return ok_status();
}

// I6. Nothing that peers can fill grows beyond its bound.
Status check_bounds(const LoopView& view) {
    const MempoolLimits& limits = view.pool_limits;
    if (view.pool.payments().size() > limits.payments.max_payments)
        return breach("I6", std::to_string(view.pool.payments().size()) + " payments in the pool");
    if (view.pool.commitments().size() > limits.max_commitments)
        return breach("I6",
                      std::to_string(view.pool.commitments().size()) + " commitments in the pool");
    if (view.pool.payload_bytes() > limits.max_payload_bytes)
        return breach("I6",
                      std::to_string(view.pool.payload_bytes()) + " bytes of payloads in the pool");
    if (view.pool.waiting().size() > limits.waiting.max_items ||
        view.pool.waiting().bytes() > limits.waiting.max_bytes)
        return breach("I6",
                      std::to_string(view.pool.waiting().size()) + " items that cannot be judged");
    if (view.pool.contributions().size() > limits.max_contributions)
        return breach(
            "I6", std::to_string(view.pool.contributions().size()) + " contributions in the pool");
    for (const auto& [id, peer] : view.peers) {
        if (peer.bodies_asked.size() > view.sync.max_blocks_per_peer)
            return breach("I6",
                          std::to_string(peer.bodies_asked.size()) + " blocks asked of one peer");
    }
    const PeerReadLimits& reads = view.reads.limits();
    if (view.reads.reading() > reads.at_once || view.reads.waiting() > reads.waiting)
        return breach("I6", std::to_string(view.reads.waiting()) + " reads wait for the disk, " +
                                std::to_string(view.reads.reading()) + " are on the lane");
    if (view.reads.most_of_a_peer() > reads.per_peer)
        return breach("I6", std::to_string(view.reads.most_of_a_peer()) + " reads for one peer");
    return ok_status();
}

Status check_loop_quickly(const LoopView& view) {
    if (!view.chain.is_ready()) return ok_status();
    RETURN_IF_ERROR(check_tip(view));
    RETURN_IF_ERROR(check_most_work(view));
    return check_bounds(view);
}

Status check_loop(const LoopView& view, LookedAt* looked_at) {
    if (!view.chain.is_ready()) return ok_status();
    RETURN_IF_ERROR(check_loop_quickly(view));
    RETURN_IF_ERROR(check_active_chain(view, looked_at));
    RETURN_IF_ERROR(check_tree(view, looked_at));
    return check_pool(view);
}

// I7. The state is the one that the header of its block promises.
Status check_state_root(const ChainState& state) {
    if (state.ledger().tip() != state.tip()->hash)
        return breach("I7", "the ledger is not at " + at(state.tip()));
    if (state.ledger().state_root() != state.tip()->header.state_root)
        return breach("I7", "the state after " + at(state.tip()) + " is not its header's");
    return ok_status();
}

std::uint64_t most_minted(const chain::NetworkDefinition& network, std::uint32_t height) {
    const std::uint64_t rounds = height / network.round_length;
    Uint128 most = 0;
    for (std::uint64_t first = 0; first < rounds; first += network.halving_rounds) {
        const std::uint64_t unit = consensus::unit_at(network, static_cast<std::uint32_t>(first));
        if (unit == 0) break;
        const std::uint64_t count = std::min<std::uint64_t>(rounds - first, network.halving_rounds);
        most += Uint128{unit} * network.paid_contributions * count;
    }
    return static_cast<std::uint64_t>(most);  // below 2^62 (network_validate.cc)
}

// I8. All coins together are what was minted, and no more was minted than the schedule allows.
Status check_conservation(const ChainState& state) {
    Uint128 sum = 0;
    for (const auto& [outpoint, coin] : state.ledger().coins().all()) {
        if (coin.output.amount == 0) return breach("I8", "there is a coin of nothing");
        if (coin.height > state.tip()->height)
            return breach("I8", "there is a coin of a later block");
        sum += coin.output.amount;
    }
    if (sum != state.supply())
        return breach("I8", "the coins come to another sum than what was minted, " +
                                std::to_string(state.supply()));
    const std::uint64_t most = most_minted(state.ledger().network(), state.tip()->height);
    if (state.supply() > most)
        return breach("I8", std::to_string(state.supply()) + " was minted by " + at(state.tip()) +
                                ", where " + std::to_string(most) + " is the most");
    return ok_status();
}

// I9. The hash over all coins, which is updated coin by coin, is the one that they give anew.
Status check_coins_root(const ChainState& state) {
    Writer writer;
    state.ledger().coins().write(writer);
    const Bytes bytes = std::move(writer).take();
    Reader reader(bytes);
    const auto anew = consensus::CoinSet::read(reader);
    if (!anew.ok()) return breach("I9", anew.error().message);
    if (anew->root() != state.ledger().coins().root())
        return breach("I9", "the coins' hash is not that of the coins");
    return ok_status();
}

// I10. Open commitments are of the round of the tip, one for a key, none between rounds; the
// window of recent rounds is in order and within its bounds.
Status check_round(const ChainState& state) {
    const consensus::RulesState& rules = state.ledger().rules();
    const chain::NetworkDefinition& network = state.ledger().network();
    const std::uint32_t height = state.tip()->height;
    const bool between = height == 0 || network.is_merge_height(height);
    if (between != (rules.round_first_target() == 0))
        return breach("I10", "the round's target is not that of height " + std::to_string(height));
    if (between != (rules.round_start() == Hash256{}))
        return breach("I10", "the round's start is not that of height " + std::to_string(height));
    if (rules.stamp_factor() < 1 || rules.stamp_factor() > network.share_factor)
        return breach("I10", "the stamps' factor is outside of its bounds");
    if (between && !rules.open_commitments().empty())
        return breach("I10", "commitments are open between two rounds");
    std::set<crypto::PublicKey> keys;
    for (const consensus::OpenCommitment& open : rules.open_commitments()) {
        if (open.commitment.round != network.round_of(height) || open.carrier_height > height)
            return breach("I10", "commitment " + short_hex(open.id) + " is of another round");
        if (!keys.insert(open.commitment.key).second)
            return breach("I10", "commitment " + short_hex(open.id) + " is its key's second one");
    }
    if (rules.recent_rounds().size() > network.window_rounds)
        return breach("I10", "the window of recent rounds is too long");
    for (std::size_t i = 0; i < rules.recent_rounds().size(); ++i) {
        const consensus::RoundRecord& record = rules.recent_rounds()[i];
        if (record.payload_hashes.empty() ||
            record.payload_hashes.size() > network.max_contributions)
            return breach("I10", "a recent round has no or too many payloads");
        if (i > 0 && record.round <= rules.recent_rounds()[i - 1].round)
            return breach("I10", "the recent rounds are not in order");
    }
    return ok_status();
}

// I11. The store speaks of the same tip as the ledger: what a restart would find.
Status check_store(const ChainState& state) {
    const auto stored = state.store().tip();
    if (!stored.ok()) return ok_status();  // our own failure: nothing can be told now
    const Hash256 hash =
        *stored ? (*stored)->hash : chain::block_hash(state.ledger().genesis().header);
    if (hash != state.tip()->hash)
        return breach("I11", "the store's tip is " + short_hex(hash) + ", the ledger's is " +
                                 at(state.tip()));
    return ok_status();
}

Status check_ledger(const ChainState& state, bool with_coins_root) {
    RETURN_IF_ERROR(check_state_root(state));
    RETURN_IF_ERROR(check_conservation(state));
    if (with_coins_root) RETURN_IF_ERROR(check_coins_root(state));
    RETURN_IF_ERROR(check_round(state));
    return check_store(state);
}

}  // namespace cairn::node
