// The miner's side: the best next block that the rules allow, and why anything was left out.
#include <algorithm>
#include <set>

#include "base/check.h"
#include "consensus/commitment_rules.h"
#include "consensus/evaluator.h"
#include "consensus/ledger.h"
#include "consensus/merge_policy.h"
#include "consensus/payment_rules.h"
#include "consensus/winner_rules.h"

namespace cairn::consensus {
namespace {

/// Header, counts, and a coinbase that pays every contributor and the miner.
std::size_t reserved_bytes(const chain::NetworkDefinition& network) {
    constexpr std::size_t kCounts =
        64;  // more than those of the lists, and what else a coinbase has
    return chain::kHeaderBytes + kCounts +
           chain::kKeyOutputBytes * (network.max_contributions + std::size_t{1});
}

std::size_t size_of(const chain::Contribution& contribution) {
    return chain::contribution_bytes(contribution.payload.size());
}

struct Priced {
    const chain::Payment* payment;
    std::uint64_t fee;
    std::size_t bytes;
};

/// The highest fee for a byte first, equal ones in the given order. Those that have no fee, since a
/// coin is missing or they make more than they spend, come last: check_payment says what is wrong.
std::vector<Priced> by_fee_rate(const std::vector<Candidate<chain::Payment>>& candidates,
                                const CoinSet& coins) {
    std::vector<Priced> priced;
    for (const Candidate<chain::Payment>& payment : candidates)
        priced.push_back({&*payment, fee_of(coins, *payment), chain::encoded_bytes(*payment)});
    std::stable_sort(priced.begin(), priced.end(), [](const Priced& a, const Priced& b) {
        return chain::higher_fee_rate(a.fee, a.bytes, b.fee, b.bytes);
    });
    return priced;
}

void leave_out(BlockReport& report, const Evaluation& evaluation, std::string reason) {
    ContributionReport left = evaluation.report;
    left.reason = std::move(reason);
    report.contributions.push_back(std::move(left));
}

}  // namespace

/// A candidate that C5 allows.
struct Ledger::Ranked {
    Evaluation evaluation;
    const chain::Contribution* contribution;
    Int128 score = 0;  ///< alone, where there are more than a block takes

    static bool better(const Ranked& a, const Ranked& b) { return a.score > b.score; }
    static bool lower_id(const Ranked& a, const Ranked& b) {
        return a.contribution->commitment_id < b.contribution->commitment_id;
    }
};

Result<chain::Block> Ledger::assemble(const HeaderContext& context, const Candidates& candidates,
                                      const crypto::PublicKey& miner, std::uint64_t time_ms,
                                      BlockReport* report) {
    const std::uint32_t height = height_ + 1;
    CHECK(context.height == height);
    CHECK(chain::block_hash(context.parent) == tip_);
    if (!network_.is_member(miner))
        return Error{ErrorCode::kRefused, "only members of this private network may mine"};
    if (const Verdict known = check_known(); !known.is_valid())
        return Error{ErrorCode::kUnsupported, known.reason()};
    BlockReport own_report;
    BlockReport& used = report != nullptr ? *report : own_report;
    start_report(height, used);

    chain::Block block;
    block.header.versions = network_.versions_at(height);
    block.header.previous = tip_;
    block.header.time_ms = std::max(time_ms, context.parent.time_ms + 1);
    block.header.target = expected_target(network_, context);
    block.coinbase.height = height;
    block.coinbase.miner = miner;

    std::size_t room = network_.max_block_bytes - reserved_bytes(network_);
    MergePlan plan;
    plan.record.round = network_.round_of(height);
    if (network_.one_winner()) {
        choose_winner(candidates.contributions, block, plan, used);
        for (const chain::Contribution& taken : block.contributions) room -= size_of(taken);
    } else if (network_.is_merge_height(height)) {
        RETURN_IF_ERROR(choose_contributions(candidates.contributions, block, room, plan, used));
    } else {
        choose_commitments(candidates.commitments, context, block, room, used);
    }
    used.fees = choose_payments(candidates.payments, height, block, room, used);
    const Pay pay =
        compute_pay(network_, height, miner, used.fees, plan.paid, used.worth_reference);
    used.minted = pay.minted;
    // choose_contributions put the merged ones first, in the plan's order.
    for (std::size_t i = 0; i < plan.paid.size(); ++i)
        describe_merged(used, i, pay.rewards[i], network_);
    block.coinbase.outputs = pay.outputs;
    chain::sort_body(block);
    block.header.body_root = chain::body_root(block);

    BlockUndo undo;
    apply(block, height, plan, undo);
    block.header.state_root = state_root();
    disconnect(std::move(undo));
    return block;
}

Result<std::vector<Ledger::Ranked>> Ledger::rank_contributions(
    const std::vector<Candidate<chain::Contribution>>& candidates, std::size_t& room,
    BlockReport& left_out) {
    std::vector<Ranked> ranked;
    std::set<Hash256> ids;
    std::set<Hash256> payloads;
    std::size_t bytes = 0;
    for (const Candidate<chain::Contribution>& candidate : candidates) {
        const chain::Contribution& contribution = *candidate;
        Evaluation evaluation =
            evaluator_->evaluate(next_rules(), next_state(), tip_, contribution);
        if (!evaluation.verdict.is_valid()) {
            leave_out(left_out, evaluation, evaluation.verdict.reason());
        } else if (!ids.insert(contribution.commitment_id).second) {
            continue;
        } else if (!payloads.insert(evaluation.payload_hash).second) {
            leave_out(left_out, evaluation, "it has the same payload as another of this round");
        } else {
            bytes += size_of(contribution);
            ranked.push_back({std::move(evaluation), &contribution});
        }
    }
    std::sort(ranked.begin(), ranked.end(), Ranked::lower_id);
    if (ranked.size() > network_.max_contributions || bytes > room) {
        ASSIGN_OR_RETURN(const std::vector<Int128> scores,
                         evaluator_->judge(tip_).scores_alone(set_of(ranked)));
        for (std::size_t i = 0; i < ranked.size(); ++i) ranked[i].score = scores[i];
        std::stable_sort(ranked.begin(), ranked.end(), Ranked::better);
    }
    std::vector<Ranked> chosen;
    for (Ranked& candidate : ranked) {
        const std::size_t needed = size_of(*candidate.contribution);
        if (chosen.size() == network_.max_contributions || needed > room) {
            candidate.evaluation.report.score = candidate.score;
            leave_out(left_out, candidate.evaluation,
                      "the block is full of contributions that go further down the judge's loss");
            continue;
        }
        room -= needed;
        chosen.push_back(std::move(candidate));
    }
    std::sort(chosen.begin(), chosen.end(), Ranked::lower_id);
    return chosen;
}

MergeSet Ledger::set_of(const std::vector<Ranked>& chosen) const {
    std::vector<const chain::Contribution*> contributions;
    for (const Ranked& candidate : chosen) contributions.push_back(candidate.contribution);
    return evaluator_->set_of(next_state(), std::move(contributions));
}

Result<chain::MergeSteps> Ledger::leave_out_harmful(std::vector<Ranked>& chosen, std::size_t& room,
                                                    BlockReport& left_out) {
    if (chosen.empty()) return chain::MergeSteps{};
    ASSIGN_OR_RETURN(const MergeChoice choice,
                     choose_merge(evaluator_->judge(tip_), set_of(chosen)));
    std::vector<Ranked> kept;
    for (std::size_t i = 0; i < chosen.size(); ++i) {
        if (std::binary_search(choice.taken.begin(), choice.taken.end(), i)) {
            kept.push_back(std::move(chosen[i]));
            continue;
        }
        room += size_of(*chosen[i].contribution);
        chosen[i].evaluation.report.joint_share = choice.shares[i];
        const char* const why =
            choice.opposed[i] ? "behind a step that anybody could take it undoes what the others do"
            : choice.shares[i] < 0
                ? "together with the others it raises the judge batch's loss"
                : "without it, and those left out with it, the others lower the judge batch's "
                  "loss further";
        leave_out(left_out, chosen[i].evaluation,
                  why + (" (its share of the gain is " + std::to_string(choice.shares[i]) + ")"));
    }
    chosen = std::move(kept);
    return choice.steps;
}

Status Ledger::choose_contributions(const std::vector<Candidate<chain::Contribution>>& candidates,
                                    chain::Block& block, std::size_t& room, MergePlan& plan,
                                    BlockReport& report) {
    BlockReport left_out;
    ASSIGN_OR_RETURN(std::vector<Ranked> chosen, rank_contributions(candidates, room, left_out));
    ASSIGN_OR_RETURN(block.coinbase.steps, leave_out_harmful(chosen, room, left_out));
    std::vector<Evaluation> evaluations;
    for (const Ranked& candidate : chosen) {
        block.contributions.push_back(*candidate.contribution);
        report.contributions.push_back(candidate.evaluation.report);
        evaluations.push_back(candidate.evaluation);
    }
    if (!chosen.empty()) {
        const Verdict verdict =
            judge_merge(set_of(chosen), evaluations, block.coinbase.steps, plan, report);
        if (!verdict.is_valid()) return Error{ErrorCode::kIo, verdict.reason()};
    }
    std::move(left_out.contributions.begin(), left_out.contributions.end(),
              std::back_inserter(report.contributions));
    return ok_status();
}

void Ledger::choose_winner(const std::vector<Candidate<chain::Contribution>>& candidates,
                           chain::Block& block, MergePlan& plan, BlockReport& report) {
    const WinnerPlace place{tip_, block.coinbase.height, block.coinbase.miner};
    for (const Candidate<chain::Contribution>& candidate : candidates) {
        if (!judge_winner(place, *candidate, /*tell=*/false, plan, report).is_valid()) continue;
        block.contributions.push_back(*candidate);
        // The plan's come first in a report.
        std::swap(report.contributions.front(), report.contributions.back());
        return;
    }
}

void Ledger::choose_commitments(const std::vector<Candidate<chain::Commitment>>& candidates,
                                const HeaderContext& context, chain::Block& block,
                                std::size_t& room, BlockReport& report) const {
    std::set<crypto::PublicKey> keys;
    for (const Candidate<chain::Commitment>& candidate : candidates) {
        const chain::Commitment& commitment = *candidate;
        const Verdict verdict = check_next(commitment, context, Work::kKnown);
        const auto left_out = [&](std::string reason) {
            report.left_out.push_back({chain::commitment_id(commitment), std::move(reason)});
        };
        if (!verdict.is_valid()) {
            left_out(verdict.reason());
        } else if (block.commitments.size() == network_.max_commitments ||
                   room < chain::kCommitmentBytes) {
            left_out("the block is full");
        } else if (!keys.insert(commitment.key).second) {
            left_out("another commitment of this key was chosen");
        } else {
            room -= chain::kCommitmentBytes;
            block.commitments.push_back(commitment);
        }
    }
}

std::uint64_t Ledger::choose_payments(const std::vector<Candidate<chain::Payment>>& candidates,
                                      std::uint32_t height, chain::Block& block, std::size_t& room,
                                      BlockReport& report) const {
    std::set<chain::OutPoint> spent;
    std::uint64_t fees = 0;
    for (const Priced& priced : by_fee_rate(candidates, coins_)) {
        const chain::Payment& payment = *priced.payment;
        const auto left_out = [&](std::string reason) {
            report.left_out.push_back({chain::payment_id(payment), std::move(reason)});
        };
        // Before the signatures are checked: a full pool has more payments than a block takes.
        if (block.payments.size() == network_.max_payments || priced.bytes > room) {
            left_out("the block is full");
            continue;
        }
        const bool conflicts =
            std::any_of(payment.inputs.begin(), payment.inputs.end(),
                        [&](const chain::OutPoint& input) { return spent.contains(input); });
        if (conflicts) {
            left_out("another payment that spends the same coin was chosen");
            continue;
        }
        std::uint64_t fee = 0;
        const Verdict verdict = check_payment(payment, height, &fee);
        if (!verdict.is_valid()) {
            left_out(verdict.reason());
            continue;
        }
        spent.insert(payment.inputs.begin(), payment.inputs.end());
        room -= priced.bytes;
        fees += fee;
        block.payments.push_back(payment);
    }
    return fees;
}

}  // namespace cairn::consensus
