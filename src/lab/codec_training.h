// Whether a network of three honest trainers learns by each codec, and what a round's payload
// takes.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "papers/result_table.h"

namespace cairn::lab {

struct CodecTrainingRequest {
    std::uint32_t rounds = 30;
    std::uint32_t values = 512;
    std::uint32_t bits = 8;
    std::uint64_t seed = 1;
};

/// The tiny network's report loss before and after, by the rules themselves. `progress` counts
/// rounds.
Result<papers::ResultTable> codec_training_table(const CodecTrainingRequest& request,
                                                 const papers::TableProgress& progress = {});

}  // namespace cairn::lab
