// Log-probabilities of tokens, as an API reports them: the log softmax of a row of logits,
// untouched by temperature or penalties. A token's log-probability is exactly the negative of its
// cross-entropy (loss.h): (z - m) - log(Z).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "tensor/compute.h"

namespace cairn::tensor {

struct TokenLogprob {
    std::uint32_t id;
    float logprob;
};

/// What a row's log-probabilities are computed from.
struct LogNormaliser {
    float max;      ///< m, the largest logit
    float log_sum;  ///< log(Z), Z = sum of exp(z - m) by N3
};

LogNormaliser log_normaliser(const Compute& compute, std::span<const float> logits);
/// (logit - m) - log(Z).
float log_probability(const LogNormaliser& normaliser, float logit);

/// out[i] = log softmax(logits)[ids[i]]; every id is below the vocabulary.
void log_probabilities(const Compute& compute, std::span<const float> logits,
                       std::span<const std::uint32_t> ids, std::span<float> out);

/// The out.size() most probable tokens, most probable first, the lower id among equals. Gives how
/// many there are: fewer than asked for only if the vocabulary is smaller. Does not allocate after
/// the first calls of a thread.
std::size_t top_logprobs(const Compute& compute, std::span<const float> logits,
                         std::span<TokenLogprob> out);

}  // namespace cairn::tensor
