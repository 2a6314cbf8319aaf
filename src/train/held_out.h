// HeldOut: a fixed sample of a text, or of pairs of texts, that is not trained on, whose loss is
// measured repeatedly during a training run. It is spread evenly over the whole and does not depend
// on the step, so that two values of one run, or of two runs, can be compared.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "model/leaf.h"
#include "train/pair_lessons.h"

namespace cairn::train {

class HeldOut {
  public:
    virtual ~HeldOut() = default;

    /// Nats per token over the sample; nothing if `stop`, asked between two pieces of it, says so.
    virtual std::optional<double> loss(std::span<const float> parameters,
                                       const std::function<bool()>& stop) = 0;
};

/// At most `windows` windows of `context` + 1 tokens of the stream; kInvalid if it is shorter than
/// one.
Result<std::unique_ptr<HeldOut>> held_out_windows(std::span<const std::uint32_t> stream,
                                                  std::uint32_t context, std::uint64_t windows,
                                                  const model::ParameterLayout& layout,
                                                  const tensor::Compute& compute);
/// At most `count` of the pairs, which the model takes (check_pairs); there is one at least.
std::unique_ptr<HeldOut> held_out_pairs(const PairSet& pairs, std::uint64_t count,
                                        const model::EncoderDecoderLayout& layout,
                                        const tensor::Compute& compute);

}  // namespace cairn::train
