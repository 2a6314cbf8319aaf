// The reference arithmetic is asked before a merge block is called invalid for what the model's
// fast kernels said: invalid is for ever, and a fault of one machine must not split the network.
// It takes the plain kernels up to a minute, so the question stands on its own: it holds a copy of
// all that it reads, and may be answered on any thread while the ledger goes on.
#pragma once

#include <memory>
#include <string>

#include "base/verdict.h"
#include "chain/block.h"
#include "chain/network.h"
#include "consensus/block_report.h"
#include "consensus/model_seam.h"
#include "consensus/rules.h"

namespace cairn::consensus {

class Evaluator;

/// What the model said of a merge block, and the state that it was asked about.
struct FirstOpinion {
    Verdict verdict = Verdict::valid();  ///< invalid, by C7 or C8
    BlockReport report;
    chain::Block block;
    Rules rules;       ///< of the block
    RulesState state;  ///< that the block was judged on
    Hash256 tip;       ///< before the block
};

/// Whether a verdict of invalid rests on the model's arithmetic: only then can kernels that
/// compute wrongly have made it. Payloads, signatures and norms are judged without them, and so
/// are the coins and the state of a block without contributions.
bool rests_on_kernels(const Verdict& verdict, const chain::Block& block);

class SecondOpinion {
  public:
    struct Answer {
        /// The first verdict if the reference says the same, else undecided.
        Verdict verdict = Verdict::valid();
        /// Not empty: the reference contradicts the fast kernels. A fault of this program or
        /// machine, in a sentence for people.
        std::string disagreement;
    };

    /// `model` is a copy in the state before the block. The network must outlive it.
    SecondOpinion(const chain::NetworkDefinition& network, const Hash256& genesis_id,
                  std::unique_ptr<ModelSeam> model, FirstOpinion first);
    ~SecondOpinion();
    SecondOpinion(const SecondOpinion&) = delete;
    SecondOpinion& operator=(const SecondOpinion&) = delete;

    /// Computes with the reference what the first verdict rests on, and no more: losses and the
    /// public step for C7, for C8 the worths too.
    Answer ask();

  private:
    Answer compare(const Verdict& again) const;
    /// What the reference says of C7, and of the worths where C8 was broken.
    Result<Verdict> judge();

    const chain::NetworkDefinition& network_;
    std::unique_ptr<ModelSeam> model_;
    FirstOpinion first_;
    std::unique_ptr<Evaluator> evaluator_;
};

}  // namespace cairn::consensus
