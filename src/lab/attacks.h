// `cairn lab attacks`: a simulated network of three honest trainers with a tiny real model and, in
// each run, one dishonest trainer. Reports what it tried, what was merged, what it earned next to
// an honest one, and the reasons for refusing it. Each run leaves the data directory of a node, so
// that `cairn explain` can be asked about it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "crypto/keys.h"

namespace cairn::lab {

struct AttackOutcome {
    std::string name;       ///< "sign-flipped", "copied late", ...
    std::string directory;  ///< of the node whose records were read
    crypto::PublicKey attacker;
    std::uint64_t tried = 0;
    std::uint64_t merged = 0;
    std::uint64_t reward = 0;          ///< smallest units
    std::uint64_t honest_reward = 0;   ///< mean of the three honest trainers
    std::vector<std::string> reasons;  ///< for not merging its contributions, each once
};

struct AttackOptions {
    std::string directory;  ///< one folder for each attack is made in it
    std::uint64_t seed = 1;
    std::uint32_t rounds = 8;
};

/// Runs all attacks; `progress` is called with the number of those done.
Result<std::vector<AttackOutcome>> run_attacks(const AttackOptions& options,
                                               const std::function<void(std::size_t)>& progress);

/// How many attacks run_attacks() runs.
std::size_t attack_count();

}  // namespace cairn::lab
