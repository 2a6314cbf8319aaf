// Rounds outside the chain, by the rules themselves: three honest trainers and, beside them, one
// attacker. Contributions pass the real codec and C5's band of norms, the template's policy leaves
// out what is harmful, and judge, merge, worth and pay are consensus/'s own. What is missing of a
// chain (blocks, stamps, commitments, signatures, coins) decides who is heard, not what is paid.
//
//   ASSIGN_OR_RETURN(auto rounds, Rounds::create(network, seed, kernels));
//   ASSIGN_OR_RETURN(const RoundOutcome outcome, rounds->play(attacker.get()));
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "base/thread_pool.h"
#include "consensus/contribution_rules.h"
#include "consensus/merge_judge.h"
#include "consensus/rules_state.h"
#include "lab/lab_network.h"
#include "train/trainer.h"
#include "worth/chain_model.h"

namespace cairn::lab {

struct Sent {
    crypto::PublicKey key;
    Bytes payload;
};

/// What everybody knows of an earlier round.
struct PastRound {
    std::vector<consensus::Delta> honest;  ///< the honest trainers' payloads, decoded
    consensus::Delta merged;               ///< zeros if nothing was
};

/// What everybody knows in a round before its payloads are revealed. The hash that draws the judge
/// batches and the others' payloads are not yet known.
struct PublicView {
    const LabNetwork& network;
    const worth::ChainModel& model;
    const tensor::Compute& compute;
    const std::deque<PastRound>& past;  ///< newest first
    std::uint32_t round = 0;
    std::uint64_t mean_norm = 0;
    consensus::NormBand band;
};

/// What is known when the block before the merge block is there: whoever committed to several
/// payloads may reveal some of them only.
struct RevealView {
    const PublicView& open;
    Hash256 tip;  ///< draws the judge batches
    const std::vector<consensus::Delta>& others;
};

class Attacker {
  public:
    virtual ~Attacker() = default;
    virtual Result<std::vector<Sent>> contribute(const PublicView& view) = 0;
    /// Which of those to reveal.
    virtual Result<std::vector<Sent>> reveal(const RevealView& /*view*/, std::vector<Sent> made) {
        return made;
    }
    /// Whether it mines this round's merge block and leaves everybody else out.
    virtual bool excludes_others(std::uint32_t /*round*/) const { return false; }
    /// Tokens that it has passed forward and backward so far; forward alone counts a third.
    virtual double tokens() const = 0;
};

struct RoundOutcome {
    std::vector<std::uint64_t> honest_rewards;  ///< of each honest trainer, without carriers' parts
    std::vector<bool> honest_merged;
    std::uint64_t reward = 0;   ///< of all the attacker's keys
    std::size_t sent = 0;       ///< contributions of the attacker that C5 allows
    std::size_t merged = 0;     ///< of these
    std::size_t committed = 0;  ///< stamps that it paid for
    chain::MergeSteps steps;
    std::uint64_t reference = 0;  ///< w_ref
};

class Rounds {
  public:
    static Result<std::unique_ptr<Rounds>> create(const LabNetwork& network, std::uint64_t seed,
                                                  const tensor::Kernels* kernels);

    /// One round; without an attacker only the honest take part.
    Result<RoundOutcome> play(Attacker* attacker);
    double report_loss();
    /// Tokens that one honest trainer passes forward and backward in a round.
    double honest_tokens() const;

    /// Everything that play() reads, to be put back as often as wanted.
    struct Saved {
        std::uint32_t round = 0;
        Bytes model;
        consensus::RulesState rules;
        std::deque<PastRound> past;
        std::vector<Bytes> trainers;
    };
    Saved save() const;
    Status restore(const Saved& saved);

  private:
    struct Entry {
        crypto::PublicKey key;
        Hash256 id, payload_hash;
        consensus::Delta delta;
        std::uint64_t norm = 0;
        int honest = -1;  ///< number of the trainer, -1: the attacker's
    };

    Rounds(const LabNetwork& network, std::uint64_t seed, const tensor::Kernels* kernels);
    PublicView view() const;
    Result<Entry> entry_of(const Sent& sent, int honest) const;
    Result<std::vector<Entry>> train_honest();
    Status add_attacker(Attacker& attacker, std::vector<Entry>& entries, RoundOutcome& outcome);
    Status merge(std::vector<Entry> entries, RoundOutcome& outcome);
    consensus::MergeSet set_of(const std::vector<Entry>& entries) const;
    Result<chain::MergeSteps> leave_out_harmful(std::vector<Entry>& entries);

    const LabNetwork& network_;
    Hash256 genesis_id_;
    std::uint64_t seed_;
    ThreadPool pool_{1};
    tensor::Compute compute_;
    std::unique_ptr<worth::ChainModel> model_;
    std::unique_ptr<consensus::MergeJudge> judge_;
    consensus::RulesState rules_;
    std::deque<PastRound> past_;
    std::uint32_t round_ = 0;
    std::vector<std::vector<std::uint32_t>> texts_;  // mixed with the public share
    std::vector<std::unique_ptr<train::Trainer>> trainers_;
};

/// The key number `number` of `who`.
crypto::PublicKey lab_key(std::string_view who, std::uint64_t number);
/// SHA-256 of a word and numbers, for everything drawn by chance.
Hash256 lab_hash(std::string_view word, std::uint64_t a, std::uint64_t b);

/// A payload of this key that decodes to about `norm`; 0: to whatever it does, moved into C5's
/// band where it is outside, as `cairn node` does.
Result<Bytes> encode_with_norm(const PublicView& view, const crypto::PublicKey& key,
                               std::vector<float> delta, double norm);

}  // namespace cairn::lab
