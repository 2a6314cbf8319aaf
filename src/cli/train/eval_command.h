// `cairn eval`: how well a model, or a chain's model, predicts a text: mean loss in nats per token,
// perplexity, bits per byte. The text is cut into windows of the context length; every token is
// predicted once.
#pragma once

#include <iosfwd>
#include <string>

#include "base/result.h"
#include "train/text_loss.h"

namespace cairn::cli {

struct EvalRequest {
    std::string model;
    std::string tokenizer;      ///< empty: found with the model
    std::string directory;      ///< instead of `model`: of a node, for its chain's model
    std::string node;           ///< or its API's HOST:PORT: what it has published
    std::string at;             ///< of that: a height, "best", or empty: the one that it serves
    std::string text;           ///< file; of a chain's model also empty: the network's report text
    std::uint32_t context = 0;  ///< window length, a power of two; 0: the model's
    train::WrittenWith types;   ///< of the cache and of the states between layers
    std::size_t threads = 0;
    bool json = false;
};

/// JSON: tokens, bytes, loss (nats per token), loss_sum (integer, unit 2^-20 nats), perplexity,
/// bits_per_byte (null where the tokenizer does not give a text's bytes back), context, kernels,
/// kv, wire (types), threads; of a chain's model also network, height, report_loss (as the node
/// published it).
Status run_eval(const EvalRequest& request, std::ostream& out);

}  // namespace cairn::cli
