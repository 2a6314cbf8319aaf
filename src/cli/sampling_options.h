// The options of every command that writes text: how the next token is chosen and where a text
// ends.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "tensor/sample.h"

namespace CLI {
class App;
}

namespace cairn::cli {

struct SamplingOptions {
    tensor::SampleSettings settings{};
    std::vector<std::string> stops;  ///< the text ends before the first of these
};

/// --temperature, --top-k, --top-p, --min-p, the penalties, --seed, --stop. The memory behind
/// `options` must outlive parsing.
void add_sampling_options(CLI::App& command, SamplingOptions& options);

}  // namespace cairn::cli
