// CONSENSUS: changing a result here splits the network.
#include "consensus/evaluator.h"

#include "base/check.h"
#include "consensus/contribution_rules.h"
#include "consensus/worth_rules.h"
#include "crypto/hash.h"

namespace cairn::consensus {
namespace {

constexpr std::size_t kMaxKnown = 65536;
constexpr std::size_t kMaxJoint = 64;

/// The model did not decode a payload: the payload is invalid (kInvalid), or the failure is ours.
Verdict model_failed(const Error& error) {
    if (error.code == ErrorCode::kInvalid) return Verdict::invalid(Rule::kC5, error.message);
    return Verdict::undecided(error.message);
}

}  // namespace

void Evaluator::forget() {
    known_.clear();
    merged_.reset();
    joint_.clear();
}

void Evaluator::start(const Hash256& tip) {
    if (tip == tip_) return;
    forget();
    tip_ = tip;
}

Evaluation Evaluator::evaluate(const Rules& rules, const RulesState& state, const Hash256& tip,
                               const chain::Contribution& contribution) {
    start(tip);
    const Key key{contribution.commitment_id, crypto::sha256(chain::encode(contribution))};
    if (const auto found = known_.find(key); found != known_.end()) return found->second;
    Evaluation evaluation = compute(rules, state, contribution);
    if (!evaluation.verdict.is_undecided() && known_.size() < kMaxKnown)
        known_.emplace(key, evaluation);
    return evaluation;
}

Evaluation Evaluator::compute(const Rules& rules, const RulesState& state,
                              const chain::Contribution& contribution) {
    Evaluation evaluation;
    ContributionReport& report = evaluation.report;
    report.commitment_id = contribution.commitment_id;
    const OpenCommitment* open = state.find(contribution.commitment_id);
    if (open != nullptr) {
        report.key = open->commitment.key;
        evaluation.carrier_miner = open->carrier_miner;
    }
    evaluation.payload_hash = chain::payload_hash(contribution.payload);
    evaluation.verdict = check_contribution(network_, genesis_id_, state, contribution);
    if (evaluation.verdict.is_valid()) {
        const Result<Delta> delta = decode(state, contribution);
        evaluation.verdict =
            delta.ok() ? judge(rules, state, *delta, report) : model_failed(delta.error());
    }
    report.reason = evaluation.verdict.reason();
    return evaluation;
}

Result<Delta> Evaluator::decode(const RulesState& state,
                                const chain::Contribution& contribution) const {
    const OpenCommitment* open = state.find(contribution.commitment_id);
    CHECK(open != nullptr);
    const Hash256 seed =
        chain::codec_seed(genesis_id_, open->commitment.round, open->commitment.key);
    Result<Delta> delta = model_.decode(contribution.payload, seed);
    if (!delta.ok())
        return Error{delta.error().code, "its payload does not decode: " + delta.error().message};
    CHECK(delta->size() == model_.parameter_count());
    return delta;
}

Verdict Evaluator::judge(const Rules& rules, const RulesState& state, const Delta& delta,
                         ContributionReport& report) {
    report.norm = model_.norm(delta);
    RETURN_UNLESS_VALID(check_norm(rules, report.norm, state.mean_norm(network_)));
    const Hash256 seed = judge_seed(tip_);
    const Result<DeltaJudgement> judgement = model_.judge(kernels_, seed, delta);
    if (!judgement.ok())
        return Verdict::undecided("the judge batch failed: " + judgement.error().message);
    if (!merged_.has_value()) {
        const Result<MergedJudgement> merged = model_.judge_merged(kernels_, seed);
        if (!merged.ok())
            return Verdict::undecided("the judge batch failed: " + merged.error().message);
        merged_ = *merged;
    }
    report.raw_score = judgement->score;
    report.score = novel_score(network_, *judgement, *merged_);
    report.worth = worth_of(report.score, report.norm);
    return check_worth(rules, report.score, report.worth, state.worth_reference(network_));
}

Result<JointLoss> Evaluator::joint_loss(const Hash256& tip, const std::vector<Hash256>& ids,
                                        const Delta& merged) {
    start(tip);
    for (const auto& [known_ids, loss] : joint_) {
        if (known_ids == ids) return loss;
    }
    JointLoss loss;
    ASSIGN_OR_RETURN(loss.before, model_.judge_loss(kernels_, judge_seed(tip)));
    ASSIGN_OR_RETURN(loss.after, model_.judge_loss_after(kernels_, judge_seed(tip), merged));
    if (joint_.size() < kMaxJoint) joint_.emplace_back(ids, loss);
    return loss;
}

}  // namespace cairn::consensus
