// `cairn lab attacks`: a simulated network of three honest trainers, a tiny real model and, in
// each run, one that does not play fair. What it tried, what was merged, what it earned next to an
// honest one, and in whose words it was refused. Each run leaves the data directory of a node, so
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
    std::uint64_t honest_reward = 0;   ///< mean of the three
    std::vector<std::string> reasons;  ///< why what was not merged was not, each once
};

struct AttackOptions {
    std::string directory;  ///< one folder for each attack is made in it
    std::uint64_t seed = 1;
    std::uint32_t rounds = 8;
    std::uint32_t novelty_rounds = 1;  ///< how many merges the novelty rule looks back
};

/// Runs all of them; `progress` is told how many are done.
Result<std::vector<AttackOutcome>> run_attacks(const AttackOptions& options,
                                               const std::function<void(std::size_t)>& progress);

/// How many there are.
std::size_t attack_count();

}  // namespace cairn::lab
