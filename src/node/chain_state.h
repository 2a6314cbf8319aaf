// The side of the active chain that belongs to Lane::kChain: the ledger with the model behind it,
// the undo records of the latest blocks, and whatever is written to the store. A node has one, and
// only a job of its LedgerLane (ledger_lane.h) gets to see it. It never sees the mutable parts of
// the block tree: a job gets tree nodes, whose fixed fields it reads, and gives back an outcome
// that the loop acts on.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "consensus/ledger.h"
#include "consensus/second_opinion.h"
#include "node/block_tree.h"
#include "store/store.h"

namespace cairn::node {

/// What the loop knows of the ledger: a value that never changes once made.
struct TipInfo {
    const BlockNode* node = nullptr;
    Hash256 state_root;
    consensus::RulesState rules;    ///< that a block on top is judged on
    consensus::HeaderContext next;  ///< of a block on top
    std::uint64_t supply = 0;       ///< all coins
};
/// What the state root of a block is made of (state_root.h).
struct StateParts {
    Hash256 model_root, coins_root, rules_root;
};
using TipInfoPtr = std::shared_ptr<const TipInfo>;
using BlockPtr = std::shared_ptr<const chain::Block>;

struct ConnectedBlock {
    const BlockNode* node = nullptr;
    BlockPtr block;
    consensus::BlockReport report;
};

/// What one job did. `tip` is where the ledger stands, whether all went well or not.
struct SwitchOutcome {
    TipInfoPtr tip;
    std::vector<BlockPtr> disconnected;     ///< from the old tip downwards
    std::vector<ConnectedBlock> connected;  ///< upwards
    /// Where it stopped, if the target was not reached, and why.
    const BlockNode* failed = nullptr;
    Verdict verdict = Verdict::valid();
    std::vector<const BlockNode*> damaged;  ///< blocks whose bodies our disk cannot give
    /// Undecided only because the reference arithmetic has not been asked: the question.
    std::shared_ptr<consensus::SecondOpinion> second;
    std::string memory_fault;  ///< not empty: our memory had changed by itself; a sentence
};

struct ChainStateOptions {
    std::uint32_t snapshot_interval = 32;  ///< blocks between snapshots
    std::uint32_t max_undo = 64;           ///< blocks that can be taken back without a snapshot
    const consensus::RuleBook* rules = &consensus::own_rule_book();  ///< what the program knows
    /// Told of every block that is replayed. May be empty.
    std::function<void(const BlockNode*)> replayed = {};
};

class ChainState {
  public:
    /// Called by switch_to when it has connected a merge block, with the state right after it.
    /// The step may still fail: then the store does not have the block in the chain.
    using MergeHook = std::function<void(const ChainState&, const BlockNode*)>;

    /// Everything passed in must outlive it. The model must be at theta^0.
    ChainState(const chain::NetworkDefinition& network, consensus::ModelSeam& model,
               store::Store& store, const BlockNode* genesis, ChainStateOptions options);

    void set_merge_hook(MergeHook hook) { merge_hook_ = std::move(hook); }

    /// Brings the ledger to the store's tip: latest good snapshot, then replay. Ends lower, with
    /// the reason in the outcome, when bodies are damaged. Once, before anything else.
    SwitchOutcome restore(const BlockNode* stored_tip);

    /// Brings the ledger to a block whose branch has its bodies on disk, from wherever it stands;
    /// writes nothing. After an error it stands lower.
    Status stand_at(const BlockNode* node);

    /// Moves to `target`. The blocks on the way are judged as of `now_ms`. If one is not valid, the
    /// ledger stays on the block before it if that has more work than the old tip, and goes back to
    /// the old tip otherwise.
    SwitchOutcome switch_to(const BlockNode* target, std::uint64_t now_ms);

    /// The best block on top of `parent`; kCancelled when the ledger has moved on.
    Result<chain::Block> assemble(const BlockNode* parent, const consensus::Candidates& candidates,
                                  const crypto::PublicKey& miner, std::uint64_t time_ms,
                                  consensus::BlockReport* report);

    /// Stores headers, parents first. Headers that cannot be stored now (a full disk) are stored
    /// before the next ones, or before the next body: a block's row must not precede its parent's.
    Status add_headers(std::vector<store::HeaderRecord> headers);
    Status put_body(const Hash256& hash, ByteView bytes);

    const consensus::Ledger& ledger() const { return ledger_; }
    /// For what is written besides the steps above. Reading needs no lane (store.h).
    store::Store& store() { return store_; }
    const store::Store& store() const { return store_; }
    /// All coins that were minted up to the tip.
    std::uint64_t supply() const { return supply_; }
    const BlockNode* tip() const { return tip_; }
    TipInfoPtr info() const;
    /// Of the state right after a block of this branch; nothing for one that lies deeper than what
    /// can be taken back without a snapshot.
    std::optional<StateParts> parts_at(const BlockNode* node) const;
    /// The undo records of what was merged above a block of this branch, the latest first, so that
    /// its model can be read while the ledger stays where it is. Nothing where they are not all
    /// here; where nothing was merged none are needed.
    std::optional<std::vector<const consensus::ModelUndo*>> merges_above(
        const BlockNode* node) const;

  private:
    struct Undo {
        const BlockNode* node;
        consensus::BlockUndo undo;
        std::uint64_t minted;
        StateParts before;  // of the state that it was connected to
    };
    StateParts parts() const {
        return {ledger_.model_root(), ledger_.coins().root(), ledger_.rules_root()};
    }

    Status store_headers();
    Result<BlockPtr> read_block(const BlockNode* node, SwitchOutcome& outcome) const;
    /// `change` is null for what was judged before and is only replayed.
    Verdict connect(const BlockNode* node, std::uint64_t now_ms, SwitchOutcome& outcome,
                    store::TipChange* change);
    Verdict judge(const chain::Block& block, std::uint64_t now_ms, consensus::BlockUndo& undo,
                  consensus::BlockReport& report, SwitchOutcome& outcome);
    Status renew(SwitchOutcome& outcome);
    /// Takes blocks back until `node`, from undo records or by a snapshot and replay.
    Status rewind(const BlockNode* node, SwitchOutcome& outcome);
    Status rebuild(const BlockNode* node, SwitchOutcome& outcome);
    Status replay(const BlockNode* node, SwitchOutcome& outcome);
    Status load_state(const BlockNode* at, ByteView saved);
    /// After a failed branch: back to the old tip, or as far as the bodies on disk allow.
    void go_back(const BlockNode* old_tip, SwitchOutcome& outcome);
    Status record(const BlockNode* old_tip, store::TipChange change);
    void maybe_snapshot();

    const chain::NetworkDefinition& network_;
    store::Store& store_;
    ChainStateOptions options_;
    consensus::Ledger ledger_;
    Bytes genesis_state_;
    const BlockNode* genesis_;
    const BlockNode* tip_;
    std::deque<Undo> undos_;
    std::vector<store::HeaderRecord> unstored_;  // headers that are not on disk yet
    std::uint64_t supply_ = 0;
    std::uint32_t snapshot_height_ = 0;
    const BlockNode* renewed_ = nullptr;  // where renew() was last asked for
    MergeHook merge_hook_;
};

}  // namespace cairn::node
