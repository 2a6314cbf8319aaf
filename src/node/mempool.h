// What has arrived and is in no block yet: payments, commitments and contributions that would be
// valid in the next block, within fixed bounds. What may become valid with the next few blocks
// (a commitment of the round after this one, a payload whose commitment has not been carried) waits
// in a room of its own (waiting_room.h). Blocks that leave the active chain give back what they
// carried.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "node/active_chain.h"
#include "node/payment_pool.h"
#include "node/waiting_room.h"

namespace cairn::node {

struct MempoolLimits {
    PaymentPoolLimits payments = {};
    std::size_t max_commitments = 1024;
    std::size_t max_contributions = 256;
    std::size_t max_payload_bytes = std::size_t{64} << 20;
    WaitingLimits waiting = {};
};

class Mempool {
  public:
    enum class Added { kNew, kKnown, kWaiting, kRefused };
    struct Outcome {
        Added added = Added::kRefused;
        std::string reason;  ///< when refused
        /// Refused, and so would be anything else that has this id. (Signatures are not in an id,
        /// and the payload is not in a contribution's: one may be bad and another good.)
        bool for_id = false;
    };

    /// `salt`, unknown to others, decides which payloads stay when there are too many.
    Mempool(const chain::NetworkDefinition& network, const Hash256& genesis_id,
            MempoolLimits limits, std::uint64_t salt = 0);

    /// What add_payment would say of it if its signatures are good; empty if it would take it.
    std::optional<Outcome> screen_payment(const ItemPtr& item, std::uint64_t fee) const;
    /// The payment was checked against the tip and leaves `fee` (Ledger::check_next).
    Outcome add_payment(const ItemPtr& item, std::uint64_t fee);
    /// Hashes the stamp, which takes long where work is slow.
    Outcome add_commitment(const ItemPtr& item, const TipInfo& tip, Source source = kOurselves);
    /// All that can be judged of a commitment without its stamp. Empty: it may come in by
    /// add_stamped. One for the round to come waits here, for its stamp cannot be judged yet.
    std::optional<Outcome> screen_commitment(const ItemPtr& item, const TipInfo& tip,
                                             Source source);
    /// `stamp` is the hash of its stamp.
    Outcome add_stamped(const ItemPtr& item, const TipInfo& tip, Source source,
                        const Hash256& stamp);
    /// The cheap part of judging a payload: that its commitment is open and promises it, and the
    /// signature. Empty: it may come in by add_checked, once it decodes and its norm is allowed.
    std::optional<Outcome> screen(const ItemPtr& item, const TipInfo& tip, Source source);
    /// A contribution that was screened, and for which Ledger::check_next(contribution) is valid.
    Outcome add_checked(const ItemPtr& item, const TipInfo& tip);

    bool contains(ItemKind kind, const Hash256& id) const;
    /// For a peer that asks; null if it is not here.
    ItemPtr find(ItemKind kind, const Hash256& id) const;
    bool waits(const Item& name) const { return waiting_.contains(name); }
    /// Payloads are needed soonest, so they and commitments come first; then payments by fee.
    std::vector<Item> all() const;
    const std::map<Hash256, ItemPtr>& contributions() const { return contributions_; }
    const std::map<Hash256, ItemPtr>& commitments() const { return commitments_; }
    const PaymentPool& payments() const { return payments_; }
    std::size_t payload_bytes() const { return payload_bytes_; }
    const WaitingRoom& waiting() const { return waiting_; }
    /// Whether a payment here spends the coin.
    bool spends(const chain::OutPoint& coin) const { return payments_.spends(coin); }

    /// Everything that may go into a block on top of the tip that the pool was last told of.
    consensus::Candidates candidates() const;

    struct Changes {
        std::vector<Item> fresh;  ///< valid now and worth telling peers
        /// Contributions whose merge block came without them.
        std::vector<ItemPtr> left_out;
        /// Payments to be checked again with the ledger, since blocks were taken back or the time
        /// to close a channel may be over.
        std::vector<ItemPtr> recheck;
        /// Commitments and contributions that waited and may be judged now, as if they had just
        /// come.
        std::vector<WaitingRoom::Waiting> due;
    };
    Changes on_tip(const SwitchOutcome& outcome);
    void remove_payment(const Hash256& id) { payments_.remove(id); }
    /// A payload that no block can pay for: it holds room that others need.
    void remove_contribution(const Hash256& id);

  private:
    /// All of C4 but the stamp.
    Verdict judge_but_stamp(const chain::Commitment& commitment, const TipInfo& tip) const;
    /// It was screened.
    Outcome pool_commitment(const ItemPtr& item, const TipInfo& tip, const Hash256& stamp);
    bool is_still_valid(const chain::Commitment& commitment, const Hash256& id,
                        const TipInfo& tip) const;
    Outcome wait_for_commitment(const ItemPtr& item, std::uint32_t height, Source source);
    bool fits(std::size_t payload) const;
    Hash256 rank(const Hash256& id) const;
    void take_back(const chain::Block& block, const TipInfo& tip, Changes& changes);
    void retry_waiting(const TipInfo& tip, Changes& changes);
    void drop_stale(const TipInfo& tip, Changes& changes);

    const chain::NetworkDefinition& network_;
    Hash256 genesis_id_;
    MempoolLimits limits_;
    std::uint64_t salt_;
    PaymentPool payments_;
    std::map<Hash256, ItemPtr> commitments_;
    std::map<Hash256, Hash256> stamps_;  // their hashes, which take long where work is slow
    std::map<Hash256, ItemPtr> contributions_;
    std::size_t payload_bytes_ = 0;
    WaitingRoom waiting_;
};

}  // namespace cairn::node
