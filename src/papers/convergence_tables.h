// Paper A's training on losses whose optimum is known (convergence.h), measured beside its bounds:
// papers A: Theorem 15, the floor that one winner a round leaves, and papers A: Def 24.
#pragma once

#include <cstddef>
#include <cstdint>

#include "papers/result_table.h"

namespace cairn::papers {

struct ConvergenceRequest {
    std::size_t seeds = 100;   ///< runs that are averaged
    std::size_t rounds = 400;  ///< of each run
    std::uint64_t seed = 1;
};

/// Every sketch, all users or one winner a round, several local steps: the gap to the optimum.
ResultTable convergence_table(const ConvergenceRequest& request,
                              const TableProgress& progress = {});
/// How far from the optimum one winner a round stays, and all with a sketch that they share or one
/// of their own, by step size. Reads the seed alone.
ResultTable winner_floor_table(const ConvergenceRequest& request);
/// Where training settles when hash power is unequal. Does not read `seeds`.
ResultTable bias_table(const ConvergenceRequest& request, const TableProgress& progress = {});

}  // namespace cairn::papers
