// `cairn generate`: a model on this machine writes text. The digest covers the bits of the logits
// of every sampled token, so two machines can be compared by one line.
#pragma once

#include <iosfwd>
#include <string>

#include "base/result.h"
#include "tensor/sample.h"

namespace cairn::cli {

struct GenerateRequest {
    std::string model;
    std::string tokenizer;  ///< empty: found with the model
    std::string prompt;
    std::size_t steps = 256;  ///< tokens to write, at most
    tensor::SampleSettings sampling{};
    std::size_t threads = 0;  ///< 0: one per processor
    bool json = false;
};

/// Writes the text as it comes, or one JSON object: text, prompt, tokens, digest, kernels, threads,
/// tokens_per_second, stop.
Status run_generate(const GenerateRequest& request, std::ostream& out);

}  // namespace cairn::cli
