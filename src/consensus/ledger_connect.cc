// CONSENSUS: changing a result here splits the network.
//
// How a block is judged: C1 to C8, cheapest first.
#include <algorithm>
#include <set>

#include "base/check.h"
#include "consensus/body_rules.h"
#include "consensus/commitment_rules.h"
#include "consensus/contribution_rules.h"
#include "consensus/evaluator.h"
#include "consensus/ledger.h"
#include "consensus/merge_rules.h"
#include "consensus/payment_rules.h"
#include "consensus/second_opinion.h"
#include "consensus/winner_rules.h"
#include "consensus/worth_rules.h"

namespace cairn::consensus {
namespace {

std::uint64_t saturating_sum(std::uint64_t a, std::uint64_t b) {
    return a + b < a ? ~std::uint64_t{0} : a + b;
}

}  // namespace

Verdict Ledger::connect(const chain::Block& block, const HeaderContext& context,
                        std::uint64_t now_ms, BlockUndo* undo, BlockReport* report,
                        std::unique_ptr<SecondOpinion>* later, Work work) {
    const std::uint32_t height = height_ + 1;
    CHECK(context.height == height);
    CHECK(chain::block_hash(context.parent) == tip_);
    RETURN_UNLESS_VALID(
        check_header(network_, book_.newest(), block.header, context, now_ms, work));
    RETURN_UNLESS_VALID(check_body(network_, block, height));
    std::uint64_t fees = 0;
    RETURN_UNLESS_VALID(check_payments(block, height, &fees));
    RETURN_UNLESS_VALID(check_commitments(block, context));
    RETURN_UNLESS_VALID(check_contributions(block));

    BlockUndo own_undo;
    BlockReport own_report;
    BlockUndo& used_undo = undo != nullptr ? *undo : own_undo;
    BlockReport& used_report = report != nullptr ? *report : own_report;
    const Verdict verdict = judge_and_apply(block, height, fees, used_undo, used_report);
    if (network_.one_winner() || !rests_on_kernels(verdict, block)) return verdict;

    auto second = std::make_unique<SecondOpinion>(
        network_, genesis_id_, model_.copy(),
        FirstOpinion{verdict, used_report, block, next_rules(), next_state(), tip_});
    if (later != nullptr) {
        *later = std::move(second);
        return Verdict::undecided("the reference arithmetic has not been asked yet whether " +
                                  verdict.reason());
    }
    SecondOpinion::Answer answer = second->ask();
    if (answer.verdict.is_undecided()) evaluator_->forget();
    used_report.disagreement = std::move(answer.disagreement);
    return answer.verdict;
}

Verdict Ledger::check_payments(const chain::Block& block, std::uint32_t height,
                               std::uint64_t* fees) const {
    std::set<chain::OutPoint> spent;
    *fees = 0;
    for (const chain::Payment& payment : block.payments) {
        std::uint64_t fee = 0;
        RETURN_UNLESS_VALID(check_payment(payment, height, &fee));
        for (const chain::OutPoint& input : payment.inputs) {
            if (!spent.insert(input).second)
                return Verdict::invalid(Rule::kC3, "two payments of the block spend the same coin");
        }
        *fees += fee;  // all coins together are below 2^62 (chain::validate)
    }
    return Verdict::valid();
}

Verdict Ledger::check_commitments(const chain::Block& block, const HeaderContext& context) const {
    const RoundStart start = round_start(network_, next_state(), context);
    std::set<crypto::PublicKey> keys;
    for (const chain::Commitment& commitment : block.commitments) {
        RETURN_UNLESS_VALID(check_commitment(network_, genesis_id_, next_state(), commitment,
                                             context.height, start));
        if (!keys.insert(commitment.key).second)
            return Verdict::invalid(Rule::kC4, "two commitments of the block have the same key");
    }
    return Verdict::valid();
}

Verdict Ledger::check_contributions(const chain::Block& block) const {
    if (network_.one_winner()) return Verdict::valid();  // judge_winner() says it all at once
    std::set<Hash256> payloads;
    for (const chain::Contribution& contribution : block.contributions) {
        const Verdict verdict =
            check_contribution(network_, genesis_id_, next_state(), contribution);
        if (!verdict.is_valid()) return verdict.with_prefix(name_of(contribution));
        if (!payloads.insert(chain::payload_hash(contribution.payload)).second)
            return Verdict::invalid(Rule::kC5,
                                    "two contributions of the block have the same payload");
    }
    return Verdict::valid();
}

void Ledger::start_report(std::uint32_t height, BlockReport& report) const {
    report = BlockReport{};
    report.height = height;
    report.merge = network_.is_merge_height(height);
    report.round = network_.round_of(height);
    report.mean_norm = next_state().mean_norm(network_);
    report.worth_reference = worth_reference(0, next_state().recent_medians());
}

void Ledger::report_loss_of_idle_merge(const Hash256& tip_before, BlockReport& report) {
    // For people who follow the loss. No rule reads it here, so a failure changes nothing.
    const Result<std::int64_t> loss =
        model_.judge_loss(JudgeKernels::kFast, judge_seed(tip_before), {});
    if (!loss.ok()) return;
    report.judge_loss_before = *loss;
    report.judge_loss_after = *loss;
}

Verdict Ledger::judge_winner(const WinnerPlace& place, const chain::Contribution& contribution,
                             bool tell, MergePlan& plan, BlockReport& report) {
    ContributionReport told;
    told.commitment_id = contribution.commitment_id;
    told.key = place.miner;
    Won won;
    const Verdict verdict = check_winner(network_, genesis_id_, next_rules(), next_state(), model_,
                                         place, contribution, won);
    told.norm = won.norm;
    told.reason = verdict.reason();
    if (verdict.is_valid()) {
        told.weighed = kWinnersWorth;
        plan.paid.push_back(paid_winner(won));
        plan.record = record_of(won);
        plan.merged = std::move(won.delta);
        report.worth_reference = kWinnersWorth.worth;
        if (tell) tell_losses(plan.merged, report);
    }
    report.contributions.push_back(std::move(told));
    return verdict.is_valid() ? verdict : verdict.with_prefix(name_of(contribution));
}

// For people who follow the loss. No rule reads it here, so a failure changes nothing.
void Ledger::tell_losses(const Delta& merged, BlockReport& report) {
    const auto loss = [&](const Delta& offset) -> std::optional<std::int64_t> {
        const auto found = model_.judge_loss(JudgeKernels::kFast, judge_seed(tip_), offset);
        return found.ok() ? std::optional(*found) : std::nullopt;
    };
    report.judge_loss_before = loss({});
    report.judge_loss_after = loss(merged);
}

Verdict Ledger::judge_contributions(const chain::Block& block, std::uint32_t height,
                                    MergePlan& plan, BlockReport& report) {
    plan.record.round = network_.round_of(height);
    if (block.contributions.empty()) return Verdict::valid();
    if (network_.one_winner())
        return judge_winner({tip_, height, block.coinbase.miner}, block.contributions.front(),
                            /*tell=*/true, plan, report);
    std::vector<Evaluation> evaluations;
    std::vector<const chain::Contribution*> contributions;
    for (const chain::Contribution& contribution : block.contributions) {
        Evaluation evaluation =
            evaluator_->evaluate(next_rules(), next_state(), tip_, contribution);
        report.contributions.push_back(evaluation.report);
        if (!evaluation.verdict.is_valid())
            return evaluation.verdict.with_prefix(name_of(contribution));
        evaluations.push_back(std::move(evaluation));
        contributions.push_back(&contribution);
    }
    return judge_merge(evaluator_->set_of(next_state(), std::move(contributions)), evaluations,
                       block.coinbase.steps, plan, report);
}

Verdict Ledger::judge_merge(const MergeSet& set, const std::vector<Evaluation>& evaluations,
                            const chain::MergeSteps& steps, MergePlan& plan, BlockReport& report) {
    const auto failed = [](const Error& error) {
        return Verdict::undecided("the judge batch failed: " + error.message);
    };
    MergeJudge& judge = evaluator_->judge(tip_);
    const Result<StepLosses> losses = judge.losses(set, steps);
    if (!losses.ok()) return failed(losses.error());
    report.steps = steps;
    report.judge_loss_before = losses->before;
    report.judge_loss_after = losses->outer;
    RETURN_UNLESS_VALID(check_steps(steps, *losses));
    const Result<std::vector<Scored>> scores = judge.scores(set, steps);
    if (!scores.ok()) return failed(scores.error());
    Result<Delta> merged = judge.merged(set, steps.outer_step);
    if (!merged.ok()) return failed(merged.error());
    plan.merged = *std::move(merged);

    std::vector<WeighedWorth> worths;
    for (std::size_t i = 0; i < evaluations.size(); ++i) {
        const Evaluation& evaluation = evaluations[i];
        ContributionReport& told = report.contributions[i];
        told.set_score((*scores)[i]);
        worths.push_back(told.weighed);
        plan.paid.push_back({told.key, evaluation.carrier_miner, told.weighed});
        plan.record.payload_hashes.push_back(evaluation.payload_hash);
        plan.record.norm_sum = saturating_sum(plan.record.norm_sum, told.norm);
    }
    std::sort(plan.record.payload_hashes.begin(), plan.record.payload_hashes.end());
    plan.record.worth_median = median_of(std::move(worths));
    report.worth_reference =
        worth_reference(plan.record.worth_median, next_state().recent_medians());
    return Verdict::valid();
}

Verdict Ledger::judge_and_apply(const chain::Block& block, std::uint32_t height, std::uint64_t fees,
                                BlockUndo& undo, BlockReport& report) {
    undo = BlockUndo{};
    start_report(height, report);
    MergePlan plan;
    RETURN_UNLESS_VALID(judge_contributions(block, height, plan, report));
    const Pay pay = compute_pay(network_, height, block.coinbase.miner, fees, plan.paid,
                                report.worth_reference);
    if (block.coinbase.outputs != pay.outputs)
        return Verdict::invalid(Rule::kC8, "coinbase does not pay what the rules give");
    report.fees = fees;
    report.minted = pay.minted;
    for (std::size_t i = 0; i < report.contributions.size(); ++i)
        describe_merged(report, i, pay.rewards[i], network_);
    apply(block, height, plan, undo);
    if (state_root() != block.header.state_root) {
        disconnect(std::move(undo));
        return Verdict::invalid(Rule::kC8,
                                "state after the block is not the one that its header names");
    }
    // Last, so that an invalid block does not make us compute it. The model is as it was before.
    if (report.merge && block.contributions.empty())
        report_loss_of_idle_merge(undo.previous_tip, report);
    return Verdict::valid();
}

}  // namespace cairn::consensus
