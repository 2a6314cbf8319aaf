// The loss of a model over a whole text: what `eval` reports and `train` watches.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "base/result.h"
#include "model/weights.h"
#include "tensor/compute.h"

namespace cairn::cli {

/// Sum of the integer losses (unit 2^-20 nats) of stream[1..] given what stands before, in windows
/// of `context` tokens, a power of two. The stream has at least two tokens. `stop` is asked between
/// two pieces of work: kCancelled.
Result<std::int64_t> text_loss(const model::ParameterLayout& layout, const model::Weights& weights,
                               std::span<const std::uint32_t> stream, std::uint32_t context,
                               const tensor::Compute& compute,
                               const std::function<bool()>& stop = {});

}  // namespace cairn::cli
