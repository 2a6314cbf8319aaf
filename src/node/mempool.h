// What has arrived and is in no block yet: payments, commitments and contributions that would be
// valid in the next block, within fixed bounds. What may become valid with the next few blocks
// (a commitment of the round after this one, a payload whose commitment is in no block yet) waits
// in a smaller queue of its own. Blocks that leave the active chain give back what they carried.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "node/active_chain.h"
#include "node/messages.h"

namespace cairn::node {

struct MempoolLimits {
    std::size_t max_payments = 4096;
    std::size_t max_commitments = 1024;
    std::size_t max_contributions = 256;
    std::size_t max_payload_bytes = std::size_t{64} << 20;
    std::size_t max_waiting = 256;
    std::size_t max_waiting_bytes = std::size_t{32} << 20;
};

struct Item {
    ItemKind kind = ItemKind::kPayment;
    Hash256 id;  ///< payment id, or commitment id
};

class Mempool {
  public:
    enum class Added { kNew, kKnown, kWaiting, kRefused };
    struct Outcome {
        Added added = Added::kRefused;
        std::string reason;  ///< when refused
    };

    Mempool(const chain::NetworkDefinition& network, const Hash256& genesis_id,
            MempoolLimits limits);

    /// `payment` must have passed Ledger::check_next.
    Outcome add_payment(const chain::Payment& payment);
    Outcome add_commitment(const chain::Commitment& commitment, const TipInfo& tip);
    Outcome add_contribution(const chain::Contribution& contribution, const TipInfo& tip);

    bool contains(ItemKind kind, const Hash256& id) const;
    /// The canonical bytes, for a peer that asks; empty if it is not here.
    Bytes encoded(ItemKind kind, const Hash256& id) const;
    std::vector<Item> all() const;
    const std::map<Hash256, chain::Contribution>& contributions() const { return contributions_; }
    const std::map<Hash256, chain::Payment>& pooled_payments() const { return payments_; }
    const std::map<Hash256, chain::Commitment>& pooled_commitments() const { return commitments_; }
    /// Whether a payment here spends the coin.
    bool spends(const chain::OutPoint& coin) const { return spent_.contains(coin); }
    std::size_t payments() const { return payments_.size(); }
    std::size_t commitments() const { return commitments_.size(); }

    /// Everything that may go into a block on top of the tip that the pool was last told of.
    consensus::Candidates candidates() const;

    struct Changes {
        std::vector<Item> fresh;  ///< valid now and worth telling peers
        /// Contributions whose merge block came without them.
        std::vector<chain::Contribution> left_out;
        /// Payments to be checked again with the ledger, since blocks were taken back.
        std::vector<chain::Payment> recheck;
    };
    Changes on_tip(const SwitchOutcome& outcome);
    void remove_payment(const Hash256& id);

  private:
    Verdict judge(const chain::Commitment& commitment, const TipInfo& tip) const;
    void wait(Item item, Bytes bytes);
    void take_back(const chain::Block& block, const TipInfo& tip, Changes& changes);
    void retry_waiting(const TipInfo& tip, Changes& changes);
    void drop_stale(const TipInfo& tip, Changes& changes);

    const chain::NetworkDefinition& network_;
    Hash256 genesis_id_;
    MempoolLimits limits_;
    std::map<Hash256, chain::Payment> payments_;
    std::map<chain::OutPoint, Hash256> spent_;
    std::map<Hash256, chain::Commitment> commitments_;
    std::map<Hash256, chain::Contribution> contributions_;
    std::size_t payload_bytes_ = 0;
    std::deque<std::pair<Item, Bytes>> waiting_;
    std::size_t waiting_bytes_ = 0;
};

}  // namespace cairn::node
