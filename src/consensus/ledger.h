// The ledger: the state after a tip (coins, rules, and the model behind its seam). It takes one
// block at a time, and takes it back exactly. It holds no headers and no tree: the node says what a
// block extends. A block is judged by the rules of this folder, the cheapest first; a miner's
// blocks are assembled by the same rules. One owner, one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/seen_cache.h"
#include "base/verdict.h"
#include "chain/block.h"
#include "consensus/block_report.h"
#include "consensus/coins.h"
#include "consensus/header_rules.h"
#include "consensus/issuance.h"
#include "consensus/model_seam.h"
#include "consensus/rules.h"

namespace cairn::consensus {

/// What disconnect() needs to take one block back. Good only for the state right after that block.
struct BlockUndo {
    Hash256 previous_tip;
    std::vector<chain::OutPoint> created;
    std::vector<std::pair<chain::OutPoint, Coin>> spent;
    RulesState rules;                  ///< before the block
    std::unique_ptr<ModelUndo> model;  ///< null unless a merge happened
};

/// Something that a block could carry, shared with whoever else holds it, such as a pool: a
/// template copies no payload but those that it takes.
template <typename T>
class Candidate {
  public:
    Candidate(T value) : value_(std::make_shared<const T>(std::move(value))) {}
    Candidate(std::shared_ptr<const T> value) : value_(std::move(value)) {}
    const T& operator*() const { return *value_; }
    const T* operator->() const { return value_.get(); }

  private:
    std::shared_ptr<const T> value_;
};

/// What a miner may put into its next block, in any order. Payments are taken by their fee per
/// byte, the highest first. Of commitments of one key the first wins.
struct Candidates {
    std::vector<Candidate<chain::Payment>> payments;
    std::vector<Candidate<chain::Commitment>> commitments;
    std::vector<Candidate<chain::Contribution>> contributions;
};

class Evaluator;
class SecondOpinion;
struct Evaluation;
struct MergeSet;
struct WinnerPlace;

class Ledger {
  public:
    /// The state after genesis. The network must be valid (chain::validate) and the model at
    /// theta^0; both, and the book, must outlive the ledger.
    Ledger(const chain::NetworkDefinition& network, ModelSeam& model,
           const RuleBook& book = own_rule_book());
    ~Ledger();
    Ledger(const Ledger&) = delete;
    Ledger& operator=(const Ledger&) = delete;

    std::uint32_t height() const { return height_; }
    Hash256 tip() const { return tip_; }
    const chain::Block& genesis() const { return genesis_; }
    const Hash256& genesis_id() const { return genesis_id_; }
    Hash256 state_root() const;
    Hash256 model_root() const { return model_.root(); }
    /// The part of it that is rules and recent merges.
    Hash256 rules_root() const;
    const CoinSet& coins() const { return coins_; }
    /// As the tip left it.
    const RulesState& rules() const { return rules_; }
    /// What the next block is judged on: the same, but where it brings new rules.
    const RulesState& next_state() const { return entered_ ? *entered_ : rules_; }
    const chain::NetworkDefinition& network() const { return network_; }

    /// Judges a block on top of the tip by C1 to C8 and, if it is valid, makes it the tip. The
    /// state is unchanged otherwise. `context` describes the tip and must match it (CHECKed).
    /// undo and report may be null. When the fast kernels condemn a merge block, the reference is
    /// asked: at once if `later` is null. Otherwise the verdict is undecided, and `later` gets the
    /// question, which takes long and is best asked on another thread.
    Verdict connect(const chain::Block& block, const HeaderContext& context, std::uint64_t now_ms,
                    BlockUndo* undo, BlockReport* report,
                    std::unique_ptr<SecondOpinion>* later = nullptr, Work work = Work::kUnknown);
    /// Takes back the latest block; the state is then exactly what it was before.
    void disconnect(BlockUndo&& undo);

    /// The best next block that these rules allow, complete but for the nonce. What would make it
    /// invalid is left out, with the reason in the report (may be null). A time that is not later
    /// than the parent's becomes the first that is. kRefused for a miner who is no
    /// member of a private network, kUnsupported where this program does not know the versions of
    /// the next block; else it fails only if the model does. Candidates' stamps are taken for good:
    /// their hashes take long, and a pool has judged them for this very tip.
    Result<chain::Block> assemble(const HeaderContext& context, const Candidates& candidates,
                                  const crypto::PublicKey& miner, std::uint64_t time_ms,
                                  BlockReport* report);

    /// Whether a payment or commitment would be valid in the next block: what a mempool asks.
    /// `fee` (may be null) gets the payment's fee; `context` as for connect.
    Verdict check_next(const chain::Payment& payment, std::uint64_t* fee = nullptr) const;
    /// The same but for the signatures, so in a small part of the time.
    Verdict check_spending(const chain::Payment& payment, std::uint64_t* fee) const;
    Verdict check_next(const chain::Commitment& commitment, const HeaderContext& context,
                       Work stamp = Work::kUnknown) const;
    /// C5, decoding and norm included, for the round that is open; the judge batch is not asked.
    Verdict check_next(const chain::Contribution& contribution) const;

    /// Coins, rules and model, for snapshots. After load(), compare state_root() with the header
    /// of tip() before trusting it; on failure the ledger is unchanged.
    Bytes save() const;
    Status load(ByteView saved);

  private:
    /// What the next block is judged by.
    const Rules& next_rules() const { return book_.rules_at(network_, height_ + 1); }
    /// Whether this program knows the versions of the next block; `undecided` if not.
    Verdict check_known() const;
    /// After every change of tip and rules state.
    void enter_next();
    /// What a merge block's contributions amount to; empty at other heights.
    struct MergePlan {
        std::vector<PaidContribution> paid;
        RoundRecord record;
        Delta merged;
    };

    /// C3 of one payment.
    Verdict check_payment(const chain::Payment& payment, std::uint32_t height,
                          std::uint64_t* fee) const;
    /// C3 and C4. `fees` gets the sum of the payments' fees.
    Verdict check_payments(const chain::Block& block, std::uint32_t height,
                           std::uint64_t* fees) const;
    Verdict check_commitments(const chain::Block& block, const HeaderContext& context) const;
    /// C5, as far as the model is not asked.
    Verdict check_contributions(const chain::Block& block) const;
    /// C5 to C8; if they hold, the block is applied.
    Verdict judge_and_apply(const chain::Block& block, std::uint32_t height, std::uint64_t fees,
                            BlockUndo& undo, BlockReport& report);
    /// C5 to C7 where every block has one winner; then paid, and the model moves by what it
    /// brought. Judge losses are told only if `tell`: no rule reads them.
    Verdict judge_winner(const WinnerPlace& place, const chain::Contribution& contribution,
                         bool tell, MergePlan& plan, BlockReport& report);
    /// C5 to C7.
    Verdict judge_contributions(const chain::Block& block, std::uint32_t height, MergePlan& plan,
                                BlockReport& report);
    /// C6 and C7 of contributions that C5 allows: completes plan and report.
    Verdict judge_merge(const MergeSet& set, const std::vector<Evaluation>& evaluations,
                        const chain::MergeSteps& steps, MergePlan& plan, BlockReport& report);
    void start_report(std::uint32_t height, BlockReport& report) const;
    void tell_losses(const Delta& merged, BlockReport& report);
    void report_loss_of_idle_merge(const Hash256& tip_before, BlockReport& report);
    void apply(const chain::Block& block, std::uint32_t height, const MergePlan& plan,
               BlockUndo& undo);

    // assemble()'s parts: each puts what it takes into `block` and spends `room` bytes.
    struct Ranked;
    Result<std::vector<Ranked>> rank_contributions(
        const std::vector<Candidate<chain::Contribution>>& candidates, std::size_t& room,
        BlockReport& left_out);
    /// Leaves out those that harm the rest, until together they lower the judge loss, and finds
    /// the steps. `chosen` is sorted by id then.
    Result<chain::MergeSteps> leave_out_harmful(std::vector<Ranked>& chosen, std::size_t& room,
                                                BlockReport& left_out);
    MergeSet set_of(const std::vector<Ranked>& chosen) const;
    Status choose_contributions(const std::vector<Candidate<chain::Contribution>>& candidates,
                                chain::Block& block, std::size_t& room, MergePlan& plan,
                                BlockReport& report);
    /// The first of them that this miner's block may carry.
    void choose_winner(const std::vector<Candidate<chain::Contribution>>& candidates,
                       chain::Block& block, MergePlan& plan, BlockReport& report);
    void choose_commitments(const std::vector<Candidate<chain::Commitment>>& candidates,
                            const HeaderContext& context, chain::Block& block, std::size_t& room,
                            BlockReport& report) const;
    std::uint64_t choose_payments(const std::vector<Candidate<chain::Payment>>& candidates,
                                  std::uint32_t height, chain::Block& block, std::size_t& room,
                                  BlockReport& report) const;

    const chain::NetworkDefinition& network_;
    const RuleBook& book_;
    ModelSeam& model_;
    Hash256 genesis_id_;
    chain::Block genesis_;
    std::uint32_t height_ = 0;
    Hash256 tip_;
    CoinSet coins_;
    RulesState rules_;
    std::optional<RulesState> entered_;     // where the next block brings new rules
    std::unique_ptr<Evaluator> evaluator_;  // by the fast kernels
    /// Payments with their signatures that were found good. A payment is judged when it comes, in
    /// every template, in its block and after a reorganisation; its signatures are good for ever.
    mutable SeenCache signed_{8192};
};

}  // namespace cairn::consensus
