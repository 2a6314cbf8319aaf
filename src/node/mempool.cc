#include "node/mempool.h"

#include <algorithm>

#include "consensus/commitment_rules.h"
#include "consensus/contribution_rules.h"
#include "crypto/hash.h"

namespace cairn::node {
namespace {

constexpr const char* kNothingAhead =
    "in this network a contribution comes with its block, by who found it, and nothing before";

Mempool::Outcome refused(std::string reason, bool for_id = false) {
    return {Mempool::Added::kRefused, std::move(reason), for_id};
}

template <typename T>
consensus::Candidate<T> shared(const ItemPtr& item, const T& value) {
    return std::shared_ptr<const T>(item, &value);
}

}  // namespace

Mempool::Mempool(const chain::NetworkDefinition& network, const Hash256& genesis_id,
                 MempoolLimits limits, std::uint64_t salt)
    : network_(network),
      genesis_id_(genesis_id),
      limits_(limits),
      salt_(salt),
      payments_(limits.payments),
      waiting_(limits.waiting) {}

std::optional<Mempool::Outcome> Mempool::screen_payment(const ItemPtr& item,
                                                        std::uint64_t fee) const {
    if (payments_.contains(item->name.id)) return Outcome{Added::kKnown, {}};
    std::string reason = payments_.why_not(item, fee);
    if (reason.empty()) return std::nullopt;
    return refused(std::move(reason), true);
}

Mempool::Outcome Mempool::add_payment(const ItemPtr& item, std::uint64_t fee) {
    if (payments_.contains(item->name.id)) return {Added::kKnown, {}};
    std::string reason = payments_.add(item, fee);
    if (!reason.empty()) return refused(std::move(reason), true);
    return {Added::kNew, {}};
}

Verdict Mempool::judge_but_stamp(const chain::Commitment& commitment, const TipInfo& tip) const {
    return consensus::check_commitment(
        network_, genesis_id_, tip.rules, commitment, tip.next.height,
        consensus::round_start(network_, tip.rules, tip.next), consensus::Work::kKnown);
}

bool Mempool::is_still_valid(const chain::Commitment& commitment, const Hash256& id,
                             const TipInfo& tip) const {
    // Its signature was good when it came in.
    const consensus::RoundStart start = consensus::round_start(network_, tip.rules, tip.next);
    return consensus::check_commitment_here(network_, tip.rules, commitment, tip.next.height, start)
               .is_valid() &&
           consensus::check_stamp(start, stamps_.at(id)).is_valid();
}

std::optional<Mempool::Outcome> Mempool::screen_commitment(const ItemPtr& item, const TipInfo& tip,
                                                           Source source) {
    if (network_.one_winner()) return refused(kNothingAhead);
    const chain::Commitment& commitment = item->commitment();
    const Hash256& id = item->name.id;
    if (commitments_.contains(id) || tip.rules.find(id)) return Outcome{Added::kKnown, {}};
    if (commitment.round == network_.round_of(tip.next.height) + 1) {
        // Its stamp cannot be judged before the round's first target is known; its signature can.
        if (!crypto::verify(commitment.key, chain::signature_hash(genesis_id_, commitment),
                            commitment.signature))
            return refused("its signature is not by its key");
        waiting_.add({item, source, tip.next.height});
        return Outcome{Added::kWaiting, {}};
    }
    if (network_.is_merge_height(tip.next.height))
        return refused("its round takes no more commitments", true);
    const Verdict verdict = judge_but_stamp(commitment, tip);
    if (!verdict.is_valid()) return refused(verdict.reason());
    if (commitments_.size() >= limits_.max_commitments)
        return refused("the pool of commitments is full", true);
    for (const auto& [other, known] : commitments_)
        if (known->commitment().key == commitment.key)
            return refused("its key has another commitment in the pool", true);
    return std::nullopt;
}

Mempool::Outcome Mempool::add_stamped(const ItemPtr& item, const TipInfo& tip, Source source,
                                      const Hash256& stamp) {
    if (const auto outcome = screen_commitment(item, tip, source)) return *outcome;
    return pool_commitment(item, tip, stamp);
}

Mempool::Outcome Mempool::add_commitment(const ItemPtr& item, const TipInfo& tip, Source source) {
    if (const auto outcome = screen_commitment(item, tip, source)) return *outcome;
    return pool_commitment(item, tip,
                           chain::stamp_hash(network_.work, genesis_id_, item->commitment()));
}

Mempool::Outcome Mempool::pool_commitment(const ItemPtr& item, const TipInfo& tip,
                                          const Hash256& stamp) {
    const consensus::RoundStart start = consensus::round_start(network_, tip.rules, tip.next);
    const Verdict verdict = consensus::check_stamp(start, stamp);
    if (!verdict.is_valid()) return refused(verdict.reason());
    commitments_.emplace(item->name.id, item);
    stamps_.emplace(item->name.id, stamp);
    return {Added::kNew, {}};
}

// Until a block carries the commitment. If it is in the pool, only the payload that it promises
// may wait; if it is not known at all, anything may, but not for long when room is short.
Mempool::Outcome Mempool::wait_for_commitment(const ItemPtr& item, std::uint32_t height,
                                              Source source) {
    const chain::Contribution& contribution = item->contribution();
    if (contribution.payload.size() > network_.max_payload_bytes)
        return refused("its payload is too large");
    const auto pooled = commitments_.find(contribution.commitment_id);
    const bool known = pooled != commitments_.end();
    if (known) {
        const Verdict promised = consensus::check_promise(
            network_, genesis_id_, pooled->second->commitment(), contribution);
        if (!promised.is_valid()) return refused(promised.reason());
    }
    waiting_.add({item, source, height, known});
    return {Added::kWaiting, {}};
}

std::optional<Mempool::Outcome> Mempool::screen(const ItemPtr& item, const TipInfo& tip,
                                                Source source) {
    if (network_.one_winner()) return refused(kNothingAhead);
    const Hash256& id = item->name.id;
    if (contributions_.contains(id)) return Outcome{Added::kKnown, {}};
    if (!tip.rules.find(id)) return wait_for_commitment(item, tip.next.height, source);
    const Verdict verdict =
        consensus::check_contribution(network_, genesis_id_, tip.rules, item->contribution());
    if (!verdict.is_valid()) return refused(verdict.reason());
    return std::nullopt;
}

bool Mempool::fits(std::size_t payload) const {
    return contributions_.size() < limits_.max_contributions &&
           payload_bytes_ + payload <= limits_.max_payload_bytes;
}

// Where there are more payloads than room, each commitment has the same chance to be among those
// that stay, whoever came first: nobody who does not know the salt can choose a low rank.
Hash256 Mempool::rank(const Hash256& id) const {
    Writer salt;
    salt.u64(salt_);
    return crypto::Sha256().update(salt.out()).update(id.view()).finish();
}

Mempool::Outcome Mempool::add_checked(const ItemPtr& item, const TipInfo& tip) {
    const Hash256& id = item->name.id;
    if (contributions_.contains(id)) return {Added::kKnown, {}};
    if (!tip.rules.find(id)) return refused("its commitment is not open any more");
    const std::size_t payload = item->contribution().payload.size();
    while (!fits(payload)) {
        const auto last = std::ranges::max_element(
            contributions_, {}, [this](const auto& entry) { return rank(entry.first); });
        if (last == contributions_.end() || rank(id) > rank(last->first))
            return refused("the pool of contributions is full");
        remove_contribution(Hash256(last->first));
    }
    payload_bytes_ += payload;
    contributions_.emplace(id, item);
    return {Added::kNew, {}};
}

void Mempool::remove_contribution(const Hash256& id) {
    const auto found = contributions_.find(id);
    if (found == contributions_.end()) return;
    payload_bytes_ -= found->second->contribution().payload.size();
    contributions_.erase(found);
}

bool Mempool::contains(ItemKind kind, const Hash256& id) const {
    switch (kind) {
        case ItemKind::kPayment:
            return payments_.contains(id);
        case ItemKind::kCommitment:
            return commitments_.contains(id);
        case ItemKind::kContribution:
            return contributions_.contains(id);
    }
    return false;
}

ItemPtr Mempool::find(ItemKind kind, const Hash256& id) const {
    if (!contains(kind, id)) return nullptr;
    if (kind == ItemKind::kPayment) return payments_.find(id);
    return kind == ItemKind::kCommitment ? commitments_.at(id) : contributions_.at(id);
}

std::vector<Item> Mempool::all() const {
    std::vector<Item> items;
    for (const auto& [id, item] : contributions_) items.push_back(item->name);
    for (const auto& [id, item] : commitments_) items.push_back(item->name);
    for (const ItemPtr& item : payments_.by_fee_rate()) items.push_back(item->name);
    return items;
}

consensus::Candidates Mempool::candidates() const {
    consensus::Candidates candidates;
    for (const ItemPtr& item : payments_.by_fee_rate())
        candidates.payments.push_back(shared(item, item->payment()));
    for (const auto& [id, item] : commitments_)
        candidates.commitments.push_back(shared(item, item->commitment()));
    for (const auto& [id, item] : contributions_)
        candidates.contributions.push_back(shared(item, item->contribution()));
    return candidates;
}

// What a block carried was valid there, so its payloads are not decoded again.
void Mempool::take_back(const chain::Block& block, const TipInfo& tip, Changes& changes) {
    for (const chain::Payment& payment : block.payments)
        changes.recheck.push_back(make_item(payment));
    for (const chain::Commitment& commitment : block.commitments) {
        const ItemPtr item = make_item(commitment);
        if (add_commitment(item, tip).added == Added::kNew) changes.fresh.push_back(item->name);
    }
    for (const chain::Contribution& contribution : block.contributions) {
        const ItemPtr item = make_item(contribution);
        if (!screen(item, tip, kOurselves) && add_checked(item, tip).added == Added::kNew)
            changes.fresh.push_back(item->name);
    }
}

void Mempool::retry_waiting(const TipInfo& tip, Changes& changes) {
    const std::uint32_t round = network_.round_of(tip.next.height);
    for (WaitingRoom::Waiting& waiting : waiting_.take_all()) {
        const ItemPtr item = waiting.item;
        if (item->name.kind == ItemKind::kCommitment) {
            // Its signature was good when it came in.
            if (item->commitment().round == round + 1)
                waiting_.add(std::move(waiting));
            else if (item->commitment().round == round)
                changes.due.push_back(std::move(waiting));
        } else if (tip.rules.find(item->name.id)) {
            changes.due.push_back(std::move(waiting));
        } else if (tip.next.height > waiting.since + network_.round_length) {
            continue;  // its round is over
        } else if (waiting.promised) {
            waiting_.add(std::move(waiting));
        } else {
            wait_for_commitment(item, waiting.since, waiting.source);
        }
    }
}

void Mempool::drop_stale(const TipInfo& tip, Changes& changes) {
    const bool open = !network_.is_merge_height(tip.next.height);
    std::erase_if(commitments_, [&](const auto& entry) {
        const chain::Commitment& commitment = entry.second->commitment();
        if (tip.rules.find(entry.first)) return true;
        return commitment.round != network_.round_of(tip.next.height) ||
               (open && !is_still_valid(commitment, entry.first, tip));
    });
    std::erase_if(stamps_, [&](const auto& entry) { return !commitments_.contains(entry.first); });
    for (const auto& [id, item] : std::map(contributions_)) {
        if (tip.rules.find(id)) continue;
        changes.left_out.push_back(item);
        remove_contribution(id);
    }
}

Mempool::Changes Mempool::on_tip(const SwitchOutcome& outcome) {
    Changes changes;
    const TipInfo& tip = *outcome.tip;
    for (const ConnectedBlock& connected : outcome.connected) {
        for (const chain::Payment& payment : connected.block->payments)
            for (const chain::OutPoint& input : payment.inputs) payments_.remove_spender(input);
        for (const chain::Contribution& merged : connected.block->contributions)
            remove_contribution(merged.commitment_id);
    }
    drop_stale(tip, changes);
    for (const BlockPtr& block : outcome.disconnected) take_back(*block, tip, changes);
    // A block that is taken back may take coins with it. And a channel cannot be closed any more
    // once it has expired.
    for (const ItemPtr& item : payments_.by_fee_rate())
        if (!outcome.disconnected.empty() || item->payment().form == chain::PaymentForm::kClose)
            changes.recheck.push_back(item);
    retry_waiting(tip, changes);
    return changes;
}

}  // namespace cairn::node
