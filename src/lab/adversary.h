// `cairn lab adversary`: looks for the attacker that the rules pay best, or that harms the model
// most, rather than for one that somebody thought of: random values of Mixture, then small changes
// of the best ones. All tries start from one state, after a few honest rounds. The best of many
// tries were also lucky, so they are played again with other seeds.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "lab/attack_runs.h"

namespace cairn::lab {

enum class Objective { kReward, kHarm };

struct AdversaryOptions {
    LabNetworkChoice network;
    std::uint64_t seed = 1;
    std::uint32_t tries = 50;
    std::uint32_t rounds = 8;         ///< of each try
    std::uint32_t honest_rounds = 4;  ///< before
    std::uint32_t best = 10;          ///< how many are played again and given back
    std::uint32_t replays = 2;
    Objective objective = Objective::kReward;
};

struct Played {
    double share = 0;  ///< of an honest trainer's reward
    double compute_share = 0;
    double honest_merged = 0;
    double harm = 0;
    std::uint32_t rounds_merged = 0;
};

struct Try {
    Mixture mixture;
    double objective = 0;  ///< what the search maximised
    Played found;          ///< in the search
    Played replayed;       ///< mean over other seeds
};

/// share / (compute_share + 0.05): above 1 where an attacker is paid better for its work than an
/// honest trainer. The 0.05 stand for what nobody is spared (a stamp, decoding what others sent).
double pay_for_work(const Played& played);

/// Best first. `progress(done, total)` counts plays.
Result<std::vector<Try>> search_adversary(
    const AdversaryOptions& options, const tensor::Kernels* kernels,
    const std::function<void(std::size_t done, std::size_t total)>& progress);

/// In words: "1 of gradient behind 2 steps + 0.3 of copy 1 late, norm 0.5, 2 keys".
std::string describe(const Mixture& mixture);

}  // namespace cairn::lab
