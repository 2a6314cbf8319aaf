#include "node/chain_state.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <limits>

#include "base/log.h"
#include "node/block_records.h"

namespace cairn::node {
namespace {

/// Replayed blocks were judged against the clock when they came.
constexpr std::uint64_t kAnyTime = std::numeric_limits<std::uint64_t>::max() / 2;

/// Whether the state, were it wrong, could be the reason: C3 to C8 read it.
bool may_be_our_memory(const Verdict& verdict, const SwitchOutcome& outcome) {
    return (verdict.is_invalid() && verdict.rule() >= Rule::kC3) || outcome.second != nullptr;
}

std::string memory_fault(const std::string& found) {
    const std::string fault =
        "this machine's memory is at fault: " + found + "; test the memory, or replace it";
    log_error("{}", fault);
    return fault;
}

std::uint64_t sum_of_coins(const consensus::CoinSet& coins) {
    std::uint64_t sum = 0;
    for (const auto& [outpoint, coin] : coins.all()) sum += coin.output.amount;
    return sum;
}

}  // namespace

ChainState::ChainState(const chain::NetworkDefinition& network, consensus::ModelSeam& model,
                       store::Store& store, const BlockNode* genesis, ChainStateOptions options)
    : network_(network),
      store_(store),
      options_(std::move(options)),
      ledger_(network, model, *options.rules),
      genesis_state_(ledger_.save()),
      genesis_(genesis),
      tip_(genesis) {}

TipInfoPtr ChainState::info() const {
    auto tip = std::make_shared<TipInfo>();
    tip->node = tip_;
    tip->state_root = tip_->header.state_root;
    tip->rules = ledger_.next_state();
    tip->next = context_after(tip_);
    tip->supply = supply_;
    return tip;
}

Status ChainState::store_headers() {
    if (unstored_.empty()) return ok_status();
    RETURN_IF_ERROR(store_.add_headers(unstored_));
    unstored_.clear();
    return ok_status();
}

std::optional<StateParts> ChainState::parts_at(const BlockNode* node) const {
    if (node == tip_) return parts();
    const auto found =
        std::ranges::find(undos_, node, [](const Undo& undo) { return undo.node->parent; });
    return found == undos_.end() ? std::nullopt : std::optional(found->before);
}

std::optional<std::vector<const consensus::ModelUndo*>> ChainState::merges_above(
    const BlockNode* node) const {
    std::vector<const consensus::ModelUndo*> merges;
    if (ancestor_at(tip_, node->height) != node) return std::nullopt;
    if (tip_->height - tip_->height % network_.round_length <= node->height) return merges;
    if (undos_.empty() || undos_.front().node->height > node->height + 1) return std::nullopt;
    for (auto undo = undos_.rbegin(); undo != undos_.rend() && undo->node != node; ++undo)
        if (undo->undo.model) merges.push_back(undo->undo.model.get());
    return merges;
}

Status ChainState::add_headers(std::vector<store::HeaderRecord> headers) {
    unstored_.insert(unstored_.end(), std::make_move_iterator(headers.begin()),
                     std::make_move_iterator(headers.end()));
    return store_headers();
}

Status ChainState::put_body(const Hash256& hash, ByteView bytes) {
    RETURN_IF_ERROR(store_headers());
    return store_.put_body(hash, bytes);
}

Result<BlockPtr> ChainState::read_block(const BlockNode* node, SwitchOutcome& outcome) const {
    auto bytes = store_.body(node->hash);
    auto block = bytes.ok() ? chain::decode_block(*bytes) : Result<chain::Block>(bytes.error());
    if (block.ok() && chain::block_hash(block->header) == node->hash)
        return BlockPtr(std::make_shared<const chain::Block>(std::move(*block)));
    const std::string reason = block.ok() ? "it is another block" : block.error().message;
    log_warn("the body of block {} at height {} cannot be read ({}); it will be fetched again",
             short_hex(node->hash), node->height, reason);
    outcome.damaged.push_back(node);
    return io_error("body of block " + short_hex(node->hash) + ": " + reason);
}

Verdict ChainState::connect(const BlockNode* node, std::uint64_t now_ms, SwitchOutcome& outcome,
                            store::TipChange* change) {
    auto block = read_block(node, outcome);
    if (!block.ok()) return Verdict::undecided(block.error().message);
    consensus::BlockUndo undo;
    consensus::BlockReport report;
    StateParts before = parts();
    Verdict verdict = judge(**block, now_ms, undo, report, outcome);
    if (change && may_be_our_memory(verdict, outcome) && renewed_ != tip_) {
        const Status renewed = renew(outcome);
        if (!renewed.ok()) return Verdict::undecided(renewed.error().message);
        before = parts();
        verdict = judge(**block, now_ms, undo, report, outcome);
        if (verdict.is_valid() && outcome.memory_fault.empty())
            outcome.memory_fault = memory_fault("a block was judged invalid that is valid");
    }
    RETURN_UNLESS_VALID(verdict);
    if (change)
        change->connected.push_back(block_records(network_, node->hash, **block, report, undo));
    supply_ += report.minted;
    tip_ = node;
    undos_.push_back({node, std::move(undo), report.minted, before});
    if (undos_.size() > options_.max_undo) undos_.pop_front();
    outcome.connected.push_back({node, std::move(*block), std::move(report)});
    return Verdict::valid();
}

Verdict ChainState::judge(const chain::Block& block, std::uint64_t now_ms,
                          consensus::BlockUndo& undo, consensus::BlockReport& report,
                          SwitchOutcome& outcome) {
    std::unique_ptr<consensus::SecondOpinion> later;
    const Verdict verdict =
        ledger_.connect(block, context_after(tip_), now_ms, &undo, &report, &later,
                        consensus::Work::kKnown);  // it has a place in the tree
    outcome.second = std::move(later);
    return verdict;
}

// Invalid is for ever, and memory fails: one bit of the state that changed by itself makes every
// later block look invalid. All that was computed from the state (hashes, working copies, sums) is
// computed anew. If the root is not the tip's, the state itself is wrong and comes from the disk.
// Once for each tip, so that invalid blocks cannot keep us busy with it.
Status ChainState::renew(SwitchOutcome& outcome) {
    const BlockNode* at = tip_;
    renewed_ = at;
    const Bytes state = ledger_.save();
    const Status loaded = ledger_.load(state);
    if (loaded.ok() && ledger_.tip() == at->hash && ledger_.state_root() == at->header.state_root)
        return ok_status();
    outcome.memory_fault = memory_fault("the state after block " + short_hex(at->hash) +
                                        " at height " + std::to_string(at->height) +
                                        " had changed by itself and was made again from the disk");
    return rebuild(at, outcome);
}

Status ChainState::load_state(const BlockNode* at, ByteView saved) {
    RETURN_IF_ERROR(ledger_.load(saved));
    undos_.clear();
    supply_ = sum_of_coins(ledger_.coins());
    tip_ = at;
    if (ledger_.tip() != at->hash || ledger_.state_root() != at->header.state_root)
        return io_error("it is not the state of block " + short_hex(at->hash));
    return ok_status();
}

Status ChainState::replay(const BlockNode* node, SwitchOutcome& outcome) {
    for (const BlockNode* next : path(tip_, node)) {
        SwitchOutcome ignored;
        const Verdict verdict = connect(next, kAnyTime, ignored, nullptr);
        outcome.damaged.insert(outcome.damaged.end(), ignored.damaged.begin(),
                               ignored.damaged.end());
        if (!verdict.is_valid()) return io_error(verdict.reason());
        if (options_.replayed) options_.replayed(next);
    }
    return ok_status();
}

Status ChainState::stand_at(const BlockNode* node) {
    SwitchOutcome ignored;
    return rebuild(node, ignored);
}

Status ChainState::rebuild(const BlockNode* node, SwitchOutcome& outcome) {
    Error last = not_found("no snapshot");
    auto snapshots = store_.snapshots();
    if (snapshots.ok()) {
        // The highest first: the one put last may be of before a branch that was given up.
        std::ranges::stable_sort(*snapshots, std::greater(), &store::SnapshotRecord::height);
        for (const store::SnapshotRecord& record : *snapshots) {
            if (record.height > node->height) continue;
            const BlockNode* at = ancestor_at(node, static_cast<std::uint32_t>(record.height));
            if (!at || at->hash != record.block) continue;
            auto saved = store_.snapshot(record);
            Status loaded = saved.ok() ? load_state(at, *saved) : Status(saved.error());
            if (loaded.ok()) snapshot_height_ = at->height;
            if (loaded.ok()) loaded = replay(node, outcome);
            if (loaded.ok()) return ok_status();
            last = loaded.error();
            log_warn("the snapshot at height {} is of no use: {}", record.height, last.message);
            if (!outcome.damaged.empty()) return last;  // an older one would need that body too
        }
    }
    if (!snapshots.ok()) log_warn("snapshots cannot be listed: {}", snapshots.error().message);
    snapshot_height_ = 0;
    RETURN_IF_ERROR(load_state(genesis_, genesis_state_));
    return replay(node, outcome);
}

Status ChainState::rewind(const BlockNode* node, SwitchOutcome& outcome) {
    while (tip_ != node && !undos_.empty()) {
        CHECK(undos_.back().node == tip_);
        supply_ -= undos_.back().minted;
        ledger_.disconnect(std::move(undos_.back().undo));
        undos_.pop_back();
        tip_ = tip_->parent;
    }
    if (tip_ == node) return ok_status();
    return rebuild(node, outcome);
}

void ChainState::go_back(const BlockNode* old_tip, SwitchOutcome& outcome) {
    outcome.connected.clear();
    outcome.disconnected.clear();
    const BlockNode* fork = common_ancestor(tip_, old_tip);
    // From the fork there are as many blocks up again as the branch is deep; from a snapshot of the
    // old branch, few.
    const bool reaches = undos_.size() >= tip_->height - fork->height;
    Status back = reaches ? rewind(fork, outcome) : rebuild(old_tip, outcome);
    if (reaches && back.ok()) back = replay(old_tip, outcome);
    if (!back.ok() && tip_ != old_tip) back = rebuild(old_tip, outcome);
    if (!back.ok())
        log_error("cannot return to block {}: {}", short_hex(old_tip->hash), back.error().message);
}

Status ChainState::record(const BlockNode* old_tip, store::TipChange change) {
    const BlockNode* fork = common_ancestor(old_tip, tip_);
    for (const BlockNode* node = old_tip; node != fork; node = node->parent)
        change.disconnected.push_back(node->hash);
    change.tip = {tip_->hash, tip_->height};
    snapshot_height_ = std::min(snapshot_height_, fork->height);
    RETURN_IF_ERROR(store_.advance_tip(change));
    maybe_snapshot();
    return ok_status();
}

void ChainState::maybe_snapshot() {
    // By distance, not by multiples: a node that catches up jumps over most heights.
    if (tip_->height < snapshot_height_ + options_.snapshot_interval) return;
    const Status put = store_.put_snapshot(tip_->height, tip_->hash, ledger_.save());
    if (put.ok())
        snapshot_height_ = tip_->height;
    else
        log_warn("no snapshot at height {}: {}", tip_->height, put.error().message);
}

SwitchOutcome ChainState::restore(const BlockNode* stored_tip) {
    SwitchOutcome outcome;
    const Status rebuilt = rebuild(stored_tip, outcome);
    if (!rebuilt.ok()) {
        outcome.failed = stored_tip;
        outcome.verdict = Verdict::undecided(rebuilt.error().message);
        log_warn("the chain could be restored up to height {} of {}: {}", tip_->height,
                 stored_tip->height, rebuilt.error().message);
        const Status recorded = record(stored_tip, {});
        if (!recorded.ok()) log_error("{}", recorded.error().message);
    }
    outcome.tip = info();
    return outcome;
}

SwitchOutcome ChainState::switch_to(const BlockNode* target, std::uint64_t now_ms) {
    SwitchOutcome outcome;
    const BlockNode* old_tip = tip_;
    const BlockNode* fork = common_ancestor(old_tip, target);
    for (const BlockNode* node = old_tip; node != fork; node = node->parent) {
        auto block = read_block(node, outcome);
        if (!block.ok()) continue;  // its payments will not come back to the pool
        outcome.disconnected.push_back(std::move(*block));
    }
    const Status rewound = rewind(fork, outcome);
    if (!rewound.ok()) {
        outcome.failed = target;
        outcome.verdict = Verdict::undecided(rewound.error().message);
    }
    store::TipChange change;
    if (rewound.ok()) {
        for (const BlockNode* node : path(fork, target)) {
            outcome.verdict = connect(node, now_ms, outcome, &change);
            if (!outcome.verdict.is_valid()) {
                outcome.failed = node;
                break;
            }
            if (merge_hook_ && outcome.connected.back().report.merge) merge_hook_(*this, node);
        }
    }
    if (outcome.failed && !(tip_->work > old_tip->work)) {
        if (tip_ != old_tip) go_back(old_tip, outcome);
    } else if (Status recorded = record(old_tip, std::move(change)); !recorded.ok()) {
        outcome.failed = target;
        outcome.verdict = Verdict::undecided(recorded.error().message);
        outcome.second.reset();
        go_back(old_tip, outcome);
    }
    outcome.tip = info();
    return outcome;
}

Result<chain::Block> ChainState::assemble(const BlockNode* parent,
                                          const consensus::Candidates& candidates,
                                          const crypto::PublicKey& miner, std::uint64_t time_ms,
                                          consensus::BlockReport* report) {
    if (tip_ != parent) return Error{ErrorCode::kCancelled, "the tip has moved"};
    return ledger_.assemble(context_after(parent), candidates, miner, time_ms, report);
}

}  // namespace cairn::node
