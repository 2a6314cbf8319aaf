// `cairn eval`: how well a model predicts a text: mean loss in nats per token, perplexity, bits per
// byte. The text is cut into windows of the context length; every token is predicted once.
#pragma once

#include <iosfwd>
#include <string>

#include "base/result.h"

namespace cairn::cli {

struct EvalRequest {
    std::string model;
    std::string tokenizer;      ///< empty: found with the model
    std::string text;           ///< file
    std::uint32_t context = 0;  ///< window length, a power of two; 0: the model's
    std::size_t threads = 0;
    bool json = false;
};

/// JSON: tokens, bytes, loss (nats per token), loss_sum (integer, unit 2^-20 nats), perplexity,
/// bits_per_byte, context, kernels, threads.
Status run_eval(const EvalRequest& request, std::ostream& out);

}  // namespace cairn::cli
