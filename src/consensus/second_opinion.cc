// CONSENSUS: changing a result here splits the network.
#include "consensus/second_opinion.h"

#include "base/check.h"
#include "base/log.h"
#include "consensus/evaluator.h"
#include "consensus/merge_rules.h"

namespace cairn::consensus {

bool rests_on_kernels(const Verdict& verdict, const chain::Block& block) {
    if (!verdict.is_invalid() || block.contributions.empty()) return false;
    // C8: the coinbase and the rules' state count worths.
    return verdict.rule() == Rule::kC6 || verdict.rule() == Rule::kC7 ||
           verdict.rule() == Rule::kC8;
}

SecondOpinion::SecondOpinion(const chain::NetworkDefinition& network, const Hash256& genesis_id,
                             std::unique_ptr<ModelSeam> model, FirstOpinion first)
    : network_(network),
      model_(std::move(model)),
      first_(std::move(first)),
      evaluator_(
          std::make_unique<Evaluator>(network_, genesis_id, *model_, JudgeKernels::kReference)) {
    CHECK(rests_on_kernels(first_.verdict, first_.block));
}

SecondOpinion::~SecondOpinion() = default;

SecondOpinion::Answer SecondOpinion::ask() {
    if (first_.verdict.rule() != Rule::kC7) return compare_worths();
    const Result<Verdict> again = judge_loss();
    if (again.ok()) return compare(*again);
    return {Verdict::undecided("the judge loss failed: " + again.error().message), {}};
}

SecondOpinion::Answer SecondOpinion::compare(const Verdict& again) const {
    if (again.is_undecided()) return {again, {}};
    if (again.is_invalid() && again.reason() == first_.verdict.reason())
        return {first_.verdict, {}};
    Answer answer;
    answer.disagreement = "block " + std::to_string(first_.report.height) + " " +
                          short_hex(chain::block_hash(first_.block.header)) +
                          ": fast kernels say \"" + first_.verdict.reason() +
                          "\", reference kernels say \"" +
                          (again.is_valid() ? std::string("valid") : again.reason()) +
                          "\". This is a fault of this program or machine; please report it.";
    answer.verdict = Verdict::undecided(answer.disagreement);
    log_error("{}", answer.disagreement);
    return answer;
}

SecondOpinion::Answer SecondOpinion::compare_worths() {
    const std::vector<ContributionReport>& known = first_.report.contributions;
    CHECK(!known.empty() && known.size() <= first_.block.contributions.size());
    // C6 condemned the last that was looked at; the others are not what the verdict rests on.
    const bool only_last = first_.verdict.rule() == Rule::kC6;
    for (std::size_t i = only_last ? known.size() - 1 : 0; i < known.size(); ++i) {
        const chain::Contribution& contribution = first_.block.contributions[i];
        const Evaluation again =
            evaluator_->evaluate(first_.rules, first_.state, first_.tip, contribution);
        if (only_last || !again.verdict.is_valid())
            return compare(again.verdict.with_prefix(name_of(contribution)));
        if (again.report.worth != known[i].worth)
            return compare(Verdict::invalid(Rule::kC8, name_of(contribution) + " is worth " +
                                                           std::to_string(again.report.worth) +
                                                           " and not " +
                                                           std::to_string(known[i].worth)));
    }
    return {first_.verdict, {}};
}

Result<Verdict> SecondOpinion::judge_loss() {
    MergeSum sum(model_->parameter_count());
    std::vector<Hash256> ids;
    for (const chain::Contribution& contribution : first_.block.contributions) {
        ASSIGN_OR_RETURN(const Delta delta, evaluator_->decode(first_.state, contribution));
        sum.add(delta);
        ids.push_back(contribution.commitment_id);
    }
    ASSIGN_OR_RETURN(const JointLoss loss,
                     evaluator_->joint_loss(first_.tip, ids, sum.merged(network_.outer_step)));
    return check_joint_loss(network_.loss_slack, loss.before, loss.after);
}

}  // namespace cairn::consensus
