// papers A: Theorem 15 with payloads of the chain's own codecs (codec_convergence.h): all users,
// and one winner a round.
#pragma once

#include <cstddef>

#include "base/result.h"
#include "papers/result_table.h"

namespace cairn::lab {

struct CodecConvergenceRequest {
    std::size_t rounds = 400;  ///< of each run
    std::size_t seeds = 5;     ///< runs of each row, two at least
};

Result<papers::ResultTable> codec_convergence_table(const CodecConvergenceRequest& request);

}  // namespace cairn::lab
