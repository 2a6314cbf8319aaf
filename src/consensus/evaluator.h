// Asks the model about contributions: C5 and C6 for one, C7 for all together. It remembers the
// answers for one judge batch, so that a miner who assembles again and again, and then connects
// its own block, computes each of them only once. Internal to consensus/.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/verdict.h"
#include "chain/block.h"
#include "consensus/block_report.h"
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

struct JointLoss {
    std::int64_t before = 0;
    std::int64_t after = 0;
};

class Evaluator {
  public:
    Evaluator(const chain::NetworkDefinition& network, const Hash256& genesis_id, ModelSeam& model,
              JudgeKernels kernels)
        : network_(network), genesis_id_(genesis_id), model_(model), kernels_(kernels) {}

    /// C5 and C6, by the rules of the block on top of `tip`. An answer that is `undecided` is not
    /// remembered.
    Evaluation evaluate(const Rules& rules, const RulesState& state, const Hash256& tip,
                        const chain::Contribution& contribution);
    /// The integer delta of a contribution whose commitment is open. Deltas are as large as the
    /// model, so they are decoded again rather than remembered.
    Result<Delta> decode(const RulesState& state, const chain::Contribution& contribution) const;
    /// The judge loss before and after `merged`, the step that the contributions `ids` make.
    Result<JointLoss> joint_loss(const Hash256& tip, const std::vector<Hash256>& ids,
                                 const Delta& merged);
    void forget();

  private:
    /// The whole counts, too: of two contributions that share a commitment id one is bad.
    using Key = std::pair<Hash256, Hash256>;  // commitment id, hash of the whole

    void start(const Hash256& tip);
    Evaluation compute(const Rules& rules, const RulesState& state,
                       const chain::Contribution& contribution);
    Verdict judge(const Rules& rules, const RulesState& state, const Delta& delta,
                  ContributionReport& report);

    const chain::NetworkDefinition& network_;
    const Hash256 genesis_id_;
    ModelSeam& model_;
    const JudgeKernels kernels_;
    Hash256 tip_;
    std::map<Key, Evaluation> known_;
    std::optional<MergedJudgement> merged_;
    std::vector<std::pair<std::vector<Hash256>, JointLoss>> joint_;
};

}  // namespace cairn::consensus
