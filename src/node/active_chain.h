// The chain that the node follows: the tree of headers, the bodies that came, and the choice of
// the branch with the most work. This is the loop's side. The other side is ledger_lane.h; the
// ledger there may already be ahead of tip(), which is what the loop has heard of. Blocks enter by
// accept_headers and accept_block, which check C1 and C2; C3 to C8 are judged on the chain lane
// when a branch would become the best. What is invalid is remembered with its reason, what is
// undecided is tried again. While the reference arithmetic is asked about a block
// (pending_verdicts.h), other branches are followed as if it had not come.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/loop.h"
#include "node/block_tree.h"
#include "node/ledger_lane.h"
#include "node/pending_verdicts.h"
#include "node/recent_bodies.h"

namespace cairn::node {

struct ChainOptions {
    ChainStateOptions state;
    std::uint32_t max_blocks_per_job = 16;
    std::uint64_t retry_ms = 2'000;  ///< after an undecided verdict
    /// Headers on branches that left the chain at most so many blocks ago, and are no longer, are
    /// kept although they have less work than the best, if each has at least this part of the
    /// work of our tip: rivals of the latest blocks.
    std::uint32_t near_tip = 64;
    std::uint32_t near_tip_ease = 8;
    /// Encoded blocks kept in memory for peers that ask right after an announcement.
    std::size_t recent_blocks = 32;
    std::size_t recent_bytes = std::size_t{64} << 20;
    /// Bodies on their way to the disk. Blocks can come faster than the chain lane stores and
    /// connects them, and then they must not fill its queue and the memory.
    std::size_t max_bodies_coming = 512;
    std::size_t max_body_bytes_coming = std::size_t{128} << 20;
};

class ActiveChain {
  public:
    struct Observer {
        virtual ~Observer() = default;
        /// The tip has changed. `outcome` says which blocks left the active chain and which joined.
        virtual void on_tip(const SwitchOutcome& outcome) = 0;
        /// A block passed C1 and C2: time to tell others. Not called for a block more than one
        /// below the tip, which nobody waits for.
        virtual void on_block_accepted(const BlockNode* node) = 0;
        /// A body was lost or a block found invalid: something may have to be fetched again.
        virtual void on_bodies_wanted() = 0;
        /// This machine or program computes wrongly, as the sentence says. The chain stays where
        /// it is until the next start: nothing may be built on it.
        virtual void on_fault(const std::string& sentence) = 0;
    };

    /// Everything passed in must outlive this, except the loop, which must end first: its jobs use
    /// the lane.
    ActiveChain(const chain::NetworkDefinition& network, const Clock& clock, Loop& loop,
                store::Store& store, consensus::ModelSeam& model, ChainOptions options);

    void set_observer(Observer* observer) { observer_ = observer; }
    LedgerLane& lane() { return lane_; }
    const LedgerLane& lane() const { return lane_; }

    /// Reads headers from the store and brings the ledger to its tip; `ready` follows.
    Status start(std::function<void()> ready);
    bool is_ready() const { return ready_; }
    /// Restored, not moving, and neither waiting to try again after a failure of our own nor
    /// stopped by one.
    bool is_settled() const { return ready_ && !switching_ && retry_ == 0 && !stopped_; }

    const TipInfoPtr& tip() const { return tip_; }
    const BlockTree& tree() const { return tree_; }
    /// The tree's best candidate, but for blocks whose verdict is pending and what stands on them.
    const BlockNode* best_candidate() const;
    const chain::NetworkDefinition& network() const { return network_; }
    /// What this program knows.
    const consensus::RuleBook& rule_book() const { return *options_.state.rules; }
    chain::Versions newest() const { return rule_book().newest(); }
    /// Whether the next block follows versions that this program knows. If not, the node is where
    /// it can go no further: it keeps its links, and builds on and passes on nothing.
    bool knows_next_block() const {
        return rule_book().knows(network_.versions_at(tip_->next.height));
    }
    const Hash256& genesis_id() const { return genesis_id_; }
    const chain::BlockHeader& genesis_header() const { return genesis_.header; }
    /// The block of the active chain at a height; null above the tip.
    const BlockNode* active_at(std::uint32_t height) const;
    bool is_active(const BlockNode* node) const { return active_at(node->height) == node; }
    std::uint64_t reorganisations() const { return reorganisations_; }

    struct HeadersOutcome {
        Verdict verdict = Verdict::valid();  ///< of the first header that was not taken
        const BlockNode* last = nullptr;     ///< the highest that is in the tree now
        bool unknown_parent = false;         ///< the first header's parent is not in the tree
        bool on_invalid = false;             ///< they end on, or above, what we found invalid
        bool too_little_work = false;        ///< not kept: presync.h is for what goes on
        /// The first that was not taken follows versions that this program, or this definition,
        /// does not know: no news until that changes.
        bool newer_versions = false;
        std::size_t added = 0;
    };
    /// Whether the branch was found to have more work than the best header's (presync.h).
    enum class Counted { kNo, kYes };
    /// Consecutive headers, lowest first. They get a place in the tree only if they have more work
    /// than the best header, or are rivals of our latest blocks: anything else costs a stranger
    /// nearly nothing.
    HeadersOutcome accept_headers(std::span<const chain::BlockHeader> headers,
                                  Counted counted = Counted::kNo,
                                  consensus::Work work = consensus::Work::kUnknown);

    enum class BodyOutcome { kAccepted, kKnown, kUnknownHeader, kMismatch, kBroken, kBusy };
    /// kMismatch: the body is not that of its header, which is the sender's fault. kBroken: the
    /// block breaks C2, which is remembered. kBusy: too many are on their way to the disk; give it
    /// again later.
    BodyOutcome accept_block(const chain::Block& block) { return accept(block, {}); }
    /// A block of our own: the observer, and so our peers, hear of it once it is on disk, and
    /// `stored` is called then. A peer that has heard of somebody else's block can have it from
    /// others when we are gone; ours only from us.
    BodyOutcome accept_own_block(const chain::Block& block, std::function<void()> stored) {
        return accept(block, std::move(stored));
    }

    /// Why nothing can be stored or judged at present (a full disk, most likely), in a sentence;
    /// mostly empty.
    const std::string& trouble() const { return trouble_.empty() ? stuck_ : trouble_; }
    /// What was found wrong with this machine, in a sentence; it stays until the next start.
    const std::string& fault() const { return fault_; }
    /// Whether a body is worth fetching: not for a while after one could not be stored, and not
    /// while too many are on their way to the disk.
    bool takes_bodies() const { return (trouble_.empty() || retry_ == 0) && has_room(); }

    /// The encoded body, if it is one of the latest or genesis; else null.
    std::shared_ptr<const Bytes> body_in_memory(const Hash256& hash) const;
    /// The encoded body: at once from memory, or later from disk.
    using OnBody = std::function<void(Result<Bytes>)>;
    void read_block(const Hash256& hash, OnBody done) const;

  private:
    void on_restored(const SwitchOutcome& outcome);
    bool has_room() const {
        return bodies_coming_ < options_.max_bodies_coming &&
               body_bytes_coming_ < options_.max_body_bytes_coming;
    }
    bool stands_near_the_tip(const BlockNode* parent,
                             std::span<const chain::BlockHeader> headers) const;
    /// Whether a block of these versions can be judged where the definition names `defined`.
    bool can_follow(const chain::Versions& versions, const chain::Versions& defined) const;
    void store_headers();
    BodyOutcome accept(const chain::Block& block, std::function<void()> stored);
    void tell_accepted(const BlockNode* node);
    void put_body(BlockNode* node, std::shared_ptr<const Bytes> bytes,
                  std::function<void()> stored);
    void on_put(BlockNode* node, const Status& put);
    void on_not_stored(const Error& error);
    void maybe_switch();
    const BlockNode* next_target() const;
    bool release_pending();
    void on_undecided(const SwitchOutcome& outcome);
    void set_stuck(const BlockNode* block, const std::string& reason);
    void on_answer(const BlockNode* block, const consensus::SecondOpinion::Answer& answer);
    void on_switched(const SwitchOutcome& outcome);
    void adopt_tip(const SwitchOutcome& outcome);
    void forget_damaged(const SwitchOutcome& outcome);
    void mark_invalid(BlockNode* node, const std::string& reason);
    void retry_later();
    BlockNode* mutable_node(const BlockNode* node) { return tree_.find(node->hash); }

    const chain::NetworkDefinition& network_;
    const Clock& clock_;
    Loop& loop_;
    const store::Store& store_;  // for reading; only the lane writes
    ChainOptions options_;
    Hash256 genesis_id_;
    chain::Block genesis_;
    BlockTree tree_;
    LedgerLane lane_;
    Observer* observer_ = nullptr;

    bool ready_ = false;
    bool switching_ = false;
    TimerId retry_ = 0;
    std::string trouble_;  // with storing bodies and headers
    std::string stuck_;    // with judging the next block
    std::string fault_;    // of this machine
    PendingVerdicts pending_;
    bool stopped_ = false;                              // by a fault
    std::vector<store::HeaderRecord> headers_waiting_;  // for the lane; parents first
    std::size_t header_jobs_ = 0;                       // on the lane
    std::size_t bodies_coming_ = 0;
    std::size_t body_bytes_coming_ = 0;
    TipInfoPtr tip_;
    std::vector<const BlockNode*> active_;  // by height
    std::uint64_t reorganisations_ = 0;
    RecentBodies recent_;
    Alive alive_;
};

}  // namespace cairn::node
