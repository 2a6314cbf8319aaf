// The paper's own network by real nodes (paper_chain.h), several codecs and ways to share texts and
// hash power, beside networks that merge everybody's updates.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "lab/paper_chain.h"
#include "papers/result_table.h"

namespace cairn::lab {

struct PaperChainRequest {
    std::vector<PaperMiner> miners;  ///< at least two
    std::uint32_t blocks = 80;       ///< of each network
    std::uint64_t seed = 1;
};

/// Losses, who found the blocks beside what hash power lets expect, losses of the miners' own texts
/// where these are unlike, and curves. `progress` counts blocks of all networks.
Result<papers::ResultTable> paper_chain_table(const PaperChainRequest& request,
                                              const papers::TableProgress& progress = {});

}  // namespace cairn::lab
