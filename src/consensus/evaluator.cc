// CONSENSUS: changing a result here splits the network.
#include "consensus/evaluator.h"

#include "base/check.h"
#include "consensus/contribution_rules.h"
#include "consensus/exact_dot.h"
#include "crypto/hash.h"

namespace cairn::consensus {
namespace {

constexpr std::size_t kMaxKnown = 65536;

/// The model did not decode a payload: the payload is invalid (kInvalid), or the failure is ours.
Verdict model_failed(const Error& error) {
    if (error.code == ErrorCode::kInvalid) return Verdict::invalid(Rule::kC5, error.message);
    return Verdict::undecided(error.message);
}

}  // namespace

void Evaluator::forget() {
    known_.clear();
    judge_.forget();
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
        if (delta.ok()) {
            report.norm = norm(*delta);
            evaluation.verdict = check_norm(rules, report.norm, state.mean_norm(network_));
        } else {
            evaluation.verdict = model_failed(delta.error());
        }
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

MergeJudge& Evaluator::judge(const Hash256& tip) {
    start(tip);
    judge_.start(tip);
    return judge_;
}

MergeSet Evaluator::set_of(const RulesState& state,
                           std::vector<const chain::Contribution*> contributions) const {
    MergeSet set;
    for (const chain::Contribution* contribution : contributions)
        set.ids.push_back(contribution->commitment_id);
    const std::uint64_t mean = state.mean_norm(network_);
    set.delta = [this, &state, mean,
                 list = std::move(contributions)](std::size_t index) -> Result<Delta> {
        ASSIGN_OR_RETURN(Delta delta, decode(state, *list.at(index)));
        const std::uint64_t length = norm(delta);
        return at_mean_norm(std::move(delta), length, mean);
    };
    return set;
}

}  // namespace cairn::consensus
