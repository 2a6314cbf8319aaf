#include "node/active_chain.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/log.h"
#include "consensus/body_rules.h"
#include "node/header_walk.h"

namespace cairn::node {
namespace {

constexpr std::uint32_t kLastHeight = std::numeric_limits<std::uint32_t>::max();

store::HeaderRecord header_record(const BlockNode& node) {
    store::HeaderRecord record;
    record.hash = node.hash;
    record.previous = node.header.previous;
    record.height = node.height;
    const auto bytes = chain::header_bytes(node.header);
    record.header = Bytes(bytes.bytes.begin(), bytes.bytes.end());
    record.work = node.work;
    return record;
}

}  // namespace

ActiveChain::ActiveChain(const chain::NetworkDefinition& network, const Clock& clock, Loop& loop,
                         store::Store& store, consensus::ModelSeam& model, ChainOptions options)
    : network_(network),
      clock_(clock),
      loop_(loop),
      store_(store),
      options_(options),
      genesis_id_(chain::genesis_id(network)),
      genesis_(consensus::Ledger(network, model, *options.state.rules).genesis()),
      tree_(genesis_),
      lane_(loop, network, model, store, tree_.genesis(), options.state),
      pending_(loop,
               [this](const BlockNode* block, const auto& answer) { on_answer(block, answer); }),
      tip_(lane_.start()),
      recent_(options.recent_blocks, options.recent_bytes) {
    active_.push_back(tree_.genesis());
}

Status ActiveChain::start(std::function<void()> ready) {
    RETURN_IF_ERROR(lane_.bind_network(genesis_id_));
    std::string broken;
    std::string of_other_rules;
    RETURN_IF_ERROR(store_.for_each_header([&](const store::HeaderRecord& record) {
        auto header = chain::decode_header(record.header);
        if (!header.ok() || !tree_.find(header->previous)) {
            broken = "the store has a header that cannot be read, or whose parent is missing";
            return;
        }
        BlockNode* node = tree_.add(*header);
        const chain::Versions versions = network_.versions_at(node->height);
        if (header->versions != versions) {
            of_other_rules = "it follows " + chain::to_string(header->versions) + " at height " +
                             std::to_string(node->height) + ", for which network.json names " +
                             chain::to_string(versions);
            return tree_.set_invalid(node, of_other_rules);
        }
        if (record.status == store::BlockStatus::kInvalid) tree_.set_invalid(node, record.reason);
        if (record.status == store::BlockStatus::kBody ||
            record.status == store::BlockStatus::kValid)
            tree_.set_body(node);
        node->connected = record.status == store::BlockStatus::kValid;
    }));
    if (!broken.empty()) log_warn("{}; it is skipped", broken);

    ASSIGN_OR_RETURN(auto stored, store_.tip());
    const BlockNode* target = stored ? tree_.find(stored->hash) : tree_.genesis();
    if (!target) return io_error("the store's tip has no header");
    // The definition got an upgrade when this chain had already gone past it.
    if (target->invalid && !of_other_rules.empty())
        return Error{ErrorCode::kRefused,
                     "the chain in this folder cannot go on: " + of_other_rules +
                         ". Start in an empty folder with this network.json (and this node.key) "
                         "to fetch the chain anew"};
    if (!rule_book().knows(target->header.versions))
        return Error{ErrorCode::kUnsupported,
                     "a newer Cairn followed the chain in this folder up to block " +
                         std::to_string(target->height) + ", by " +
                         chain::to_string(target->header.versions) + ", and this one knows " +
                         chain::to_string(newest()) + "; start the newer one again"};
    lane_.on_lane([target](ChainState& state) { return state.restore(target); },
                  alive_.guard([this, ready = std::move(ready)](const SwitchOutcome& outcome) {
                      on_restored(outcome);
                      ready();
                      maybe_switch();
                  }));
    return ok_status();
}

void ActiveChain::on_restored(const SwitchOutcome& outcome) {
    forget_damaged(outcome);
    adopt_tip(outcome);
    ready_ = true;
}

const BlockNode* ActiveChain::active_at(std::uint32_t height) const {
    return height < active_.size() ? active_[height] : nullptr;
}

ActiveChain::HeadersOutcome ActiveChain::accept_headers(std::span<const chain::BlockHeader> headers,
                                                        Counted counted, consensus::Work work) {
    HeadersOutcome outcome;
    while (!headers.empty()) {
        const BlockNode* known = tree_.find(chain::block_hash(headers.front()));
        if (!known) break;
        outcome.last = known;
        headers = headers.subspan(1);
    }
    const BlockNode* parent = headers.empty() ? outcome.last : tree_.find(headers.front().previous);
    outcome.on_invalid = parent && parent->invalid;
    if (headers.empty()) return outcome;
    outcome.unknown_parent = parent == nullptr;
    outcome.newer_versions =
        !parent && !can_follow(headers.front().versions, network_.versions_at(kLastHeight));
    // Who builds on what we found invalid gets no room for it.
    if (!parent || outcome.on_invalid) return outcome;

    HeaderWalk walk(parent);
    std::size_t good = 0;
    for (; good < headers.size(); ++good) {
        outcome.verdict = walk.step(network_, newest(), headers[good], clock_.wall_ms(), work);
        if (!outcome.verdict.is_valid()) break;
    }
    if (outcome.verdict.is_undecided() &&
        !can_follow(headers[good].versions, network_.versions_at(walk.height() + 1))) {
        outcome.newer_versions = true;
        if (!outcome.last) outcome.last = parent;
    }
    headers = headers.first(good);
    outcome.too_little_work = counted == Counted::kNo && walk.work() <= tree_.best_header()->work &&
                              !stands_near_the_tip(parent, headers);
    if (outcome.too_little_work) return outcome;
    for (const chain::BlockHeader& header : headers) {
        const BlockNode* node = tree_.add(header);
        outcome.last = node;
        ++outcome.added;
        headers_waiting_.push_back(header_record(*node));
    }
    // One job at a time, with all headers that came meanwhile: many small messages, each with a
    // header, must not fill the lane.
    if (header_jobs_ == 0) store_headers();
    return outcome;
}

bool ActiveChain::can_follow(const chain::Versions& versions,
                             const chain::Versions& defined) const {
    return rule_book().knows(versions) && versions.known_to(defined);
}

// A rival of our latest blocks costs work that is worth remembering, although it has not more of
// it than we have.
bool ActiveChain::stands_near_the_tip(const BlockNode* parent,
                                      std::span<const chain::BlockHeader> headers) const {
    const BlockNode* tip = tip_->node;
    if (parent->height + options_.near_tip < tip->height) return false;
    const BlockNode* fork = common_ancestor(parent, tip);
    if (fork->height + options_.near_tip < tip->height) return false;
    if (parent->height - fork->height + headers.size() > options_.near_tip) return false;
    const chain::U256 ours = consensus::block_work(tip->header.target);
    return std::ranges::all_of(headers, [&](const chain::BlockHeader& header) {
        const chain::U256 work = consensus::block_work(header.target);
        return work.saturating_multiply(options_.near_tip_ease) >= ours;
    });
}

void ActiveChain::store_headers() {
    if (headers_waiting_.empty()) return;
    ++header_jobs_;
    lane_.on_lane([records = std::exchange(headers_waiting_, {})](
                      ChainState& state) mutable { return state.add_headers(std::move(records)); },
                  alive_.guard([this](const Status& added) {
                      --header_jobs_;
                      if (!added.ok()) on_not_stored(added.error());
                      if (header_jobs_ == 0) store_headers();
                  }));
}

ActiveChain::BodyOutcome ActiveChain::accept(const chain::Block& block,
                                             std::function<void()> stored) {
    BlockNode* node = tree_.find(chain::block_hash(block.header));
    if (!node) return BodyOutcome::kUnknownHeader;
    if (node->has_body || node->body_coming || node->invalid) return BodyOutcome::kKnown;
    if (!consensus::body_matches(block)) return BodyOutcome::kMismatch;
    if (!has_room()) return BodyOutcome::kBusy;
    const Verdict verdict = consensus::check_body(network_, block, node->height);
    if (verdict.is_invalid()) {
        mark_invalid(node, verdict.reason());
        return BodyOutcome::kBroken;
    }
    auto bytes = std::make_shared<const Bytes>(chain::encode(block));
    recent_.add(node->hash, bytes);
    const bool is_own = static_cast<bool>(stored);
    put_body(node, bytes, std::move(stored));
    if (!is_own) tell_accepted(node);
    return BodyOutcome::kAccepted;
}

void ActiveChain::tell_accepted(const BlockNode* node) {
    if (observer_ && node->height + 2 > tip_->node->height) observer_->on_block_accepted(node);
}

void ActiveChain::put_body(BlockNode* node, std::shared_ptr<const Bytes> bytes,
                           std::function<void()> stored) {
    node->body_coming = true;
    ++bodies_coming_;
    body_bytes_coming_ += bytes->size();
    store_headers();  // the body's must be on the lane before it
    lane_.on_lane(
        [hash = node->hash, bytes](ChainState& state) { return state.put_body(hash, *bytes); },
        alive_.guard(
            [this, node, size = bytes->size(), stored = std::move(stored)](const Status& put) {
                if (put.ok() && stored) {
                    stored();
                    tell_accepted(node);
                }
                const bool had_room = has_room();
                --bodies_coming_;
                body_bytes_coming_ -= size;
                on_put(node, put);
                if (!had_room && has_room() && observer_) observer_->on_bodies_wanted();
            }));
}

void ActiveChain::on_put(BlockNode* node, const Status& put) {
    node->body_coming = false;
    if (put.ok()) {
        trouble_.clear();
        tree_.set_body(node);
        maybe_switch();
        return;
    }
    recent_.remove(node->hash);
    on_not_stored(put.error());
}

void ActiveChain::on_not_stored(const Error& error) {
    retry_later();
    trouble_ = "this node cannot store blocks: " + error.message;
}

std::shared_ptr<const Bytes> ActiveChain::body_in_memory(const Hash256& hash) const {
    if (auto bytes = recent_.find(hash)) return bytes;
    if (hash != tree_.genesis()->hash) return nullptr;
    return std::make_shared<const Bytes>(chain::encode(genesis_));
}

void ActiveChain::read_block(const Hash256& hash, OnBody done) const {
    if (const auto bytes = body_in_memory(hash)) return done(*bytes);
    offload(
        loop_, Lane::kRead, [&store = store_, hash] { return store.body(hash); },
        alive_.guard(std::move(done)));
}

const BlockNode* ActiveChain::best_candidate() const {
    return tree_.best_candidate([this](const BlockNode* node) { return !pending_.below(node); });
}

const BlockNode* ActiveChain::next_target() const {
    const BlockNode* best = best_candidate();
    const consensus::ChainWork& ours = tip_->node->work;
    if (!(best->work > ours)) return nullptr;
    const BlockNode* better =
        lowest(best, [&ours](const BlockNode* node) { return node->work > ours; });
    return ancestor_at(best,
                       std::min(best->height, better->height + options_.max_blocks_per_job - 1));
}

void ActiveChain::maybe_switch() {
    if (!ready_ || switching_ || retry_ != 0 || stopped_) return;
    const BlockNode* target = next_target();
    if (!target && release_pending()) target = next_target();
    if (!target) return;
    switching_ = true;
    lane_.on_lane([target, now_ms = clock_.wall_ms()](
                      ChainState& state) { return state.switch_to(target, now_ms); },
                  alive_.guard([this](const SwitchOutcome& outcome) { on_switched(outcome); }));
}

// When nothing else is left to follow and the reference is free, the pending block on the branch
// with most work is judged again. None matters any more once the tip has more work.
bool ActiveChain::release_pending() {
    if (pending_.empty() || pending_.is_asking()) return false;
    const BlockNode* best = tree_.best_candidate();
    if (best->work > tip_->node->work) {
        pending_.release(pending_.below(best));
        return true;
    }
    pending_.clear();
    return false;
}

void ActiveChain::on_switched(const SwitchOutcome& outcome) {
    forget_damaged(outcome);
    for (const ConnectedBlock& connected : outcome.connected)
        mutable_node(connected.node)->connected = true;
    if (outcome.verdict.is_invalid()) {
        CHECK(outcome.failed != nullptr);
        mark_invalid(mutable_node(outcome.failed), outcome.verdict.reason());
    } else if (outcome.verdict.is_undecided()) {
        on_undecided(outcome);
    }
    if (!outcome.memory_fault.empty()) fault_ = outcome.memory_fault;
    if (outcome.tip->node != tip_->node) {
        stuck_.clear();
        adopt_tip(outcome);
        if (observer_) observer_->on_tip(outcome);
    }
    if (outcome.failed && observer_) observer_->on_bodies_wanted();
    switching_ = false;
    maybe_switch();
}

void ActiveChain::on_undecided(const SwitchOutcome& outcome) {
    if (outcome.second) return pending_.add(outcome.failed, outcome.second);
    set_stuck(outcome.failed, outcome.verdict.reason());
    retry_later();
}

void ActiveChain::set_stuck(const BlockNode* block, const std::string& reason) {
    stuck_ = "this node cannot judge block " + std::to_string(block->height) + " (" +
             short_hex(block->hash) + "): " + reason;
}

void ActiveChain::on_answer(const BlockNode* block,
                            const consensus::SecondOpinion::Answer& answer) {
    if (!answer.disagreement.empty()) {
        // Others follow this block, or will not; we cannot tell, and must not split the network.
        stopped_ = true;
        fault_ = answer.disagreement + " This node follows the chain no further.";
        if (observer_) observer_->on_fault(fault_);
        return;
    }
    if (answer.verdict.is_invalid()) {
        if (!block->invalid) mark_invalid(mutable_node(block), answer.verdict.reason());
        if (observer_) observer_->on_bodies_wanted();
    } else {
        set_stuck(block, answer.verdict.reason());
        retry_later();
    }
    maybe_switch();
}

void ActiveChain::adopt_tip(const SwitchOutcome& outcome) {
    const BlockNode* old_tip = tip_->node;
    tip_ = outcome.tip;
    const BlockNode* fork = common_ancestor(old_tip, tip_->node);
    if (fork != old_tip) {
        ++reorganisations_;
        log_info("reorganised: {} blocks back to height {}, now at height {}",
                 old_tip->height - fork->height, fork->height, tip_->node->height);
    }
    active_.resize(fork->height + 1);
    for (const BlockNode* node : path(fork, tip_->node)) active_.push_back(node);
}

void ActiveChain::forget_damaged(const SwitchOutcome& outcome) {
    for (const BlockNode* node : outcome.damaged) {
        tree_.lose_body(mutable_node(node));
        recent_.remove(node->hash);
        lane_.on_lane([hash = node->hash](ChainState& state) {
            const Status gone = state.store().discard_body(hash);
            if (!gone.ok()) log_warn("{}", gone.error().message);
        });
    }
}

void ActiveChain::mark_invalid(BlockNode* node, const std::string& reason) {
    log_warn("block {} at height {} is invalid: {}", short_hex(node->hash), node->height, reason);
    std::vector<BlockNode*> broken{node};
    for (std::size_t i = 0; i < broken.size(); ++i)
        for (BlockNode* child : broken[i]->children) broken.push_back(child);
    std::vector<Hash256> hashes;
    for (const BlockNode* each : broken) hashes.push_back(each->hash);
    tree_.set_invalid(node, reason);
    store_headers();  // those of the hashes must be on the lane before
    lane_.on_lane([hashes = std::move(hashes), reason](ChainState& state) {
        for (const Hash256& hash : hashes) {
            const Status marked = state.store().mark_invalid(hash, reason);
            if (!marked.ok()) log_warn("{}", marked.error().message);
        }
    });
}

void ActiveChain::retry_later() {
    if (retry_ != 0) return;
    retry_ = loop_.call_after(options_.retry_ms, alive_.guard([this] {
        retry_ = 0;
        if (observer_) observer_->on_bodies_wanted();
        maybe_switch();
    }));
}

}  // namespace cairn::node
