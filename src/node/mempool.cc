#include "node/mempool.h"

#include <algorithm>

#include "consensus/commitment_rules.h"
#include "consensus/contribution_rules.h"

namespace cairn::node {

Mempool::Mempool(const chain::NetworkDefinition& network, const Hash256& genesis_id,
                 MempoolLimits limits)
    : network_(network), genesis_id_(genesis_id), limits_(limits) {}

Mempool::Outcome Mempool::add_payment(const chain::Payment& payment) {
    const Hash256 id = chain::payment_id(payment);
    if (payments_.contains(id)) return {Added::kKnown, {}};
    if (payments_.size() >= limits_.max_payments)
        return {Added::kRefused, "the pool of payments is full; try again after a block"};
    for (const chain::OutPoint& input : payment.inputs)
        if (spent_.contains(input))
            return {Added::kRefused, "another payment in the pool spends the same coin"};
    for (const chain::OutPoint& input : payment.inputs) spent_[input] = id;
    payments_.emplace(id, payment);
    return {Added::kNew, {}};
}

void Mempool::remove_payment(const Hash256& id) {
    const auto found = payments_.find(id);
    if (found == payments_.end()) return;
    for (const chain::OutPoint& input : found->second.inputs) spent_.erase(input);
    payments_.erase(found);
}

Verdict Mempool::judge(const chain::Commitment& commitment, const TipInfo& tip) const {
    return consensus::check_commitment(
        network_, genesis_id_, tip.rules, commitment, tip.next.height,
        consensus::round_first_target(network_, tip.rules, tip.next));
}

void Mempool::wait(Item item, Bytes bytes) {
    for (const auto& [waiting, ignored] : waiting_)
        if (waiting.kind == item.kind && waiting.id == item.id) return;
    waiting_bytes_ += bytes.size();
    waiting_.emplace_back(item, std::move(bytes));
    while (waiting_.size() > limits_.max_waiting || waiting_bytes_ > limits_.max_waiting_bytes) {
        waiting_bytes_ -= waiting_.front().second.size();
        waiting_.pop_front();
    }
}

Mempool::Outcome Mempool::add_commitment(const chain::Commitment& commitment, const TipInfo& tip) {
    const Hash256 id = chain::commitment_id(commitment);
    if (commitments_.contains(id)) return {Added::kKnown, {}};
    if (tip.rules.find(id)) return {Added::kKnown, {}};
    if (commitment.round == network_.round_of(tip.next.height) + 1) {
        wait({ItemKind::kCommitment, id}, chain::encode(commitment));
        return {Added::kWaiting, {}};
    }
    if (network_.is_merge_height(tip.next.height))
        return {Added::kRefused, "its round takes no more commitments"};
    const Verdict verdict = judge(commitment, tip);
    if (!verdict.is_valid()) return {Added::kRefused, verdict.reason()};
    if (commitments_.size() >= limits_.max_commitments)
        return {Added::kRefused, "the pool of commitments is full"};
    for (const auto& [other, known] : commitments_)
        if (known.key == commitment.key && known.round == commitment.round)
            return {Added::kRefused, "its key has another commitment in the pool"};
    commitments_.emplace(id, commitment);
    return {Added::kNew, {}};
}

Mempool::Outcome Mempool::add_contribution(const chain::Contribution& contribution,
                                           const TipInfo& tip) {
    const Hash256& id = contribution.commitment_id;
    if (contributions_.contains(id)) return {Added::kKnown, {}};
    if (!tip.rules.find(id)) {
        wait({ItemKind::kContribution, id}, chain::encode(contribution));
        return {Added::kWaiting, {}};
    }
    const Verdict verdict =
        consensus::check_contribution(network_, genesis_id_, tip.rules, contribution);
    if (!verdict.is_valid()) return {Added::kRefused, verdict.reason()};
    if (contributions_.size() >= limits_.max_contributions ||
        payload_bytes_ + contribution.payload.size() > limits_.max_payload_bytes)
        return {Added::kRefused, "the pool of contributions is full"};
    payload_bytes_ += contribution.payload.size();
    contributions_.emplace(id, contribution);
    return {Added::kNew, {}};
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

Bytes Mempool::encoded(ItemKind kind, const Hash256& id) const {
    if (!contains(kind, id)) return {};
    if (kind == ItemKind::kPayment) return chain::encode(payments_.at(id));
    if (kind == ItemKind::kCommitment) return chain::encode(commitments_.at(id));
    return chain::encode(contributions_.at(id));
}

std::vector<Item> Mempool::all() const {
    std::vector<Item> items;
    for (const auto& [id, payment] : payments_) items.push_back({ItemKind::kPayment, id});
    for (const auto& [id, commitment] : commitments_) items.push_back({ItemKind::kCommitment, id});
    for (const auto& [id, payload] : contributions_) items.push_back({ItemKind::kContribution, id});
    return items;
}

consensus::Candidates Mempool::candidates() const {
    consensus::Candidates candidates;
    for (const auto& [id, payment] : payments_) candidates.payments.push_back(payment);
    for (const auto& [id, commitment] : commitments_) candidates.commitments.push_back(commitment);
    for (const auto& [id, payload] : contributions_) candidates.contributions.push_back(payload);
    return candidates;
}

void Mempool::take_back(const chain::Block& block, const TipInfo& tip, Changes& changes) {
    for (const chain::Payment& payment : block.payments) changes.recheck.push_back(payment);
    for (const chain::Commitment& commitment : block.commitments)
        if (add_commitment(commitment, tip).added == Added::kNew)
            changes.fresh.push_back({ItemKind::kCommitment, chain::commitment_id(commitment)});
    for (const chain::Contribution& contribution : block.contributions)
        if (add_contribution(contribution, tip).added == Added::kNew)
            changes.fresh.push_back({ItemKind::kContribution, contribution.commitment_id});
}

void Mempool::retry_waiting(const TipInfo& tip, Changes& changes) {
    std::deque<std::pair<Item, Bytes>> waiting;
    waiting.swap(waiting_);
    waiting_bytes_ = 0;
    for (auto& [item, bytes] : waiting) {
        Added added = Added::kRefused;
        if (item.kind == ItemKind::kCommitment) {
            added = add_commitment(chain::decode_commitment(bytes).value(), tip).added;
        } else {
            auto contribution = chain::decode_contribution(bytes).value();
            added = add_contribution(contribution, tip).added;
        }
        if (added == Added::kNew) changes.fresh.push_back(item);
    }
}

void Mempool::drop_stale(const TipInfo& tip, Changes& changes) {
    const bool open = !network_.is_merge_height(tip.next.height);
    std::erase_if(commitments_, [&](const auto& entry) {
        if (tip.rules.find(entry.first)) return true;
        return entry.second.round != network_.round_of(tip.next.height) ||
               (open && !judge(entry.second, tip).is_valid());
    });
    for (auto at = contributions_.begin(); at != contributions_.end();) {
        if (tip.rules.find(at->first)) {
            ++at;
            continue;
        }
        payload_bytes_ -= at->second.payload.size();
        changes.left_out.push_back(std::move(at->second));
        at = contributions_.erase(at);
    }
}

Mempool::Changes Mempool::on_tip(const SwitchOutcome& outcome) {
    Changes changes;
    const TipInfo& tip = *outcome.tip;
    for (const ConnectedBlock& connected : outcome.connected) {
        for (const chain::Payment& payment : connected.block->payments) {
            for (const chain::OutPoint& input : payment.inputs) {
                const auto spender = spent_.find(input);
                if (spender != spent_.end()) remove_payment(Hash256(spender->second));
            }
        }
        for (const chain::Contribution& merged : connected.block->contributions) {
            const auto found = contributions_.find(merged.commitment_id);
            if (found == contributions_.end()) continue;
            payload_bytes_ -= found->second.payload.size();
            contributions_.erase(found);
        }
    }
    drop_stale(tip, changes);
    for (const BlockPtr& block : outcome.disconnected) take_back(*block, tip, changes);
    if (!outcome.disconnected.empty())
        for (const auto& [id, payment] : payments_) changes.recheck.push_back(payment);
    retry_waiting(tip, changes);
    return changes;
}

}  // namespace cairn::node
