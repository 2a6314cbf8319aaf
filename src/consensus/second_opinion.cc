// CONSENSUS: changing a result here splits the network.
#include "consensus/second_opinion.h"

#include "base/check.h"
#include "base/log.h"
#include "consensus/evaluator.h"

namespace cairn::consensus {
namespace {

std::string text_of(const WeighedWorth& worth) {
    return std::to_string(worth.worth) + " at a weight of " + std::to_string(worth.weight);
}

}  // namespace

bool rests_on_kernels(const Verdict& verdict, const chain::Block& block) {
    if (!verdict.is_invalid() || block.contributions.empty()) return false;
    // C8: the coinbase and the rules' state count worths.
    return verdict.rule() == Rule::kC7 || verdict.rule() == Rule::kC8;
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
    const Result<Verdict> again = judge();
    if (!again.ok())
        return {Verdict::undecided("the judge batch failed: " + again.error().message), {}};
    // By C8 the worths were found too, and nothing else of the verdict rests on kernels.
    if (first_.verdict.rule() == Rule::kC8 && again->is_valid()) return {first_.verdict, {}};
    return compare(*again);
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

Result<Verdict> SecondOpinion::judge() {
    std::vector<const chain::Contribution*> contributions;
    for (const chain::Contribution& contribution : first_.block.contributions)
        contributions.push_back(&contribution);
    const MergeSet set = evaluator_->set_of(first_.state, contributions);
    const chain::MergeSteps steps = first_.block.coinbase.steps;
    MergeJudge& judge = evaluator_->judge(first_.tip);
    ASSIGN_OR_RETURN(const StepLosses losses, judge.losses(set, steps));
    RETURN_UNLESS_VALID(check_steps(steps, losses));
    if (first_.verdict.rule() == Rule::kC7) return Verdict::valid();

    ASSIGN_OR_RETURN(const std::vector<Scored> scores, judge.scores(set, steps));
    const std::vector<ContributionReport>& known = first_.report.contributions;
    CHECK(known.size() == scores.size());
    for (std::size_t i = 0; i < known.size(); ++i) {
        const WeighedWorth weighed = scores[i].weighed();
        if (weighed != known[i].weighed)
            return Verdict::invalid(Rule::kC8, name_of(*contributions[i]) + " is worth " +
                                                   text_of(weighed) + " and not " +
                                                   text_of(known[i].weighed));
    }
    return Verdict::valid();
}

}  // namespace cairn::consensus
