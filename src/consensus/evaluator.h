// Judges contributions: C5 for one; C6 and C7 for all together, by the model (merge_judge.h). It
// remembers the answers for one tip. Internal to consensus/.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/verdict.h"
#include "chain/block.h"
#include "consensus/block_report.h"
#include "consensus/merge_judge.h"
#include "consensus/model_seam.h"
#include "consensus/rules.h"

namespace cairn::consensus {

struct Evaluation {
    Verdict verdict = Verdict::valid();
    ContributionReport report;
    crypto::PublicKey carrier_miner;
    Hash256 payload_hash;
};

/// "contribution 1234abcd", as verdicts name it.
inline std::string name_of(const chain::Contribution& contribution) {
    return "contribution " + short_hex(contribution.commitment_id);
}

class Evaluator {
  public:
    Evaluator(const chain::NetworkDefinition& network, const Hash256& genesis_id, ModelSeam& model,
              JudgeKernels kernels)
        : network_(network), genesis_id_(genesis_id), model_(model), judge_(model, kernels) {}

    /// C5, by the rules of the block on top of `tip`. An answer that is `undecided` is not
    /// remembered.
    Evaluation evaluate(const Rules& rules, const RulesState& state, const Hash256& tip,
                        const chain::Contribution& contribution);
    /// The integer delta of a contribution whose commitment is open. Deltas are as large as the
    /// model, so they are decoded again rather than remembered.
    Result<Delta> decode(const RulesState& state, const chain::Contribution& contribution) const;
    /// What the model says of contributions that C5 allows, merged on top of `tip`. The set reads
    /// `state` and the contributions, which must outlive its use.
    MergeJudge& judge(const Hash256& tip);
    MergeSet set_of(const RulesState& state,
                    std::vector<const chain::Contribution*> contributions) const;
    void forget();

  private:
    /// The whole counts, too: of two contributions that share a commitment id one is bad.
    using Key = std::pair<Hash256, Hash256>;  // commitment id, hash of the whole

    void start(const Hash256& tip);
    Evaluation compute(const Rules& rules, const RulesState& state,
                       const chain::Contribution& contribution);
    const chain::NetworkDefinition& network_;
    const Hash256 genesis_id_;
    ModelSeam& model_;
    MergeJudge judge_;
    Hash256 tip_;
    std::map<Key, Evaluation> known_;
};

}  // namespace cairn::consensus
