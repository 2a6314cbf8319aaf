// Overtaking and winning by hash power, played by the program's own code (race.h), beside the exact
// odds: papers A: Lemma 9 and papers A: Def 24.
#pragma once

#include <cstdint>
#include <vector>

#include "papers/result_table.h"

namespace cairn::lab {

struct RaceRequest {
    std::vector<double> shares = {0.1, 0.2, 0.3, 0.4};
    std::vector<unsigned> confirmations = {1, 2, 4, 6, 10};
    std::uint64_t runs = 20'000;
    std::uint64_t seed = 1;
};

/// A race of two branches for each share and number of confirmations. `progress` counts races.
papers::ResultTable race_table(const RaceRequest& request,
                               const papers::TableProgress& progress = {});

struct WinnerRequest {
    std::vector<double> shares = {1, 1, 1, 1};  ///< hash power of each miner, above 0
    std::uint64_t blocks = 5'000;
    std::uint64_t seed = 1;
};
/// Who finds blocks. `progress` counts blocks.
papers::ResultTable winner_table(const WinnerRequest& request,
                                 const papers::TableProgress& progress = {});

}  // namespace cairn::lab
