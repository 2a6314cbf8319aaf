// `cairn lab attacks`: what each attacker earns beside three honest trainers, by the rules
// themselves (rounds.h), and what it does to the model. One run with the honest alone for each seed
// is what the harm is measured against.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "lab/attack_list.h"

namespace cairn::lab {

struct AttackRunOptions {
    LabNetworkChoice network;
    std::uint64_t seed = 1;  ///< of the first run
    std::uint32_t seeds = 1;
    std::uint32_t rounds = 12;
    std::vector<std::string> attacks;  ///< names; empty: all
};

struct AttackRow {
    std::string attack;
    std::uint64_t seed = 0;
    std::uint64_t reward = 0;         ///< smallest units, of all its keys
    double honest_reward = 0;         ///< mean of the honest trainers, same rounds
    double share = 0;                 ///< reward / honest_reward
    double compute_share = 0;         ///< its tokens forward and backward, by an honest trainer's
    std::uint64_t committed = 0;      ///< stamps that it paid for
    std::uint64_t merged = 0;         ///< of its contributions
    std::uint32_t rounds_merged = 0;  ///< rounds in which one of its contributions was merged
    double honest_merged = 0;         ///< part of the honest contributions
    double harm = 0;                  ///< report loss at the end by that without it, less 1
    double report_loss = 0;           ///< nats per token, at the end
};

/// The honest alone.
struct HonestRun {
    std::uint64_t seed = 0;
    std::vector<double> rewards;        ///< of each trainer
    std::vector<double> merged;         ///< part of its rounds
    std::uint32_t empty_rounds = 0;     ///< in which nothing was merged
    std::vector<double> report_losses;  ///< before the first round and after each
    double drift = 0;                   ///< highest report loss by the lowest before it, less 1
};

struct AttackResults {
    std::vector<HonestRun> honest;
    std::vector<AttackRow> rows;
};

/// `progress(done, total)` counts runs. kMisused for an unknown attack.
Result<AttackResults> run_attack_games(
    const AttackRunOptions& options, const tensor::Kernels* kernels,
    const std::function<void(std::size_t done, std::size_t total)>& progress);

/// What adds up over the rounds of one run.
struct Tally {
    std::vector<double> rewards, merged;  ///< of each honest trainer
    std::uint64_t reward = 0, committed = 0, attacker_merged = 0;
    std::uint32_t rounds = 0, rounds_merged = 0, empty_rounds = 0;

    Tally() : rewards(kHonest, 0), merged(kHonest, 0) {}
    void add(const RoundOutcome& outcome);
    double honest_reward() const;  ///< mean
    double honest_merged() const;  ///< part
    /// The attacker's reward by the honest mean; huge where the honest earned nothing.
    double share() const;
};

}  // namespace cairn::lab
