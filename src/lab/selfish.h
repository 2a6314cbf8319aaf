// `cairn lab selfish`: what a miner earns who withholds blocks, measured on the real node's fork
// choice (sim/selfish_miner.h) beside the formula of Eyal and Sirer, "Majority is not enough:
// Bitcoin mining is vulnerable" (Financial Cryptography 2014), and beside the same strategy as a
// few lines of model. And what it does to training here, where a block carries commitments and
// every so many blocks one merges contributions: who withholds carries nothing of others.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/result.h"

namespace cairn::lab {

/// Equation 8 of the paper: the part of the main chain's blocks that is the withholder's, who has
/// the part `alpha` of all hash power and `gamma` of the others' in a race.
double selfish_revenue(double alpha, double gamma);

/// The same by playing out `blocks` found blocks.
double selfish_revenue_played(double alpha, double gamma, std::uint64_t blocks, std::uint64_t seed);

struct SelfishCase {
    double alpha = 0;
    bool withholds = true;
    /// He is the only way between honest nodes, and wins about half of their hash power in a race.
    bool owns_network = false;
};

/// Of a simulated network of real nodes, four of them honest.
struct SelfishOutcome {
    SelfishCase given;
    std::uint32_t blocks = 0;  ///< of the main chain
    double revenue = 0;        ///< part of the main chain's blocks that is the miner's
    double gamma = 0;          ///< as it was
    std::uint32_t merges = 0;  ///< merge blocks of the main chain
    double own_merges = 0;     ///< part of them that is the miner's
    double contributions = 0;  ///< of others that were merged, for each merge block
    double carried = 0;        ///< commitments, for each round
};

Result<SelfishOutcome> run_selfish(const SelfishCase& given, std::uint32_t blocks,
                                   std::uint64_t seed);

}  // namespace cairn::lab
