// HeldOut: a fixed sample of a text that is not trained on, whose loss is measured repeatedly
// during a training run. The windows are spread evenly over the text and do not depend on the step,
// so that two values of one run, or of two runs, can be compared.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "model/leaf.h"

namespace cairn::cli {

class HeldOut {
  public:
    /// At most `windows` windows of `context` + 1 tokens of the stream; kInvalid if it is shorter
    /// than one.
    static Result<std::unique_ptr<HeldOut>> create(std::span<const std::uint32_t> stream,
                                                   std::uint32_t context, std::uint64_t windows,
                                                   const model::ParameterLayout& layout,
                                                   const tensor::Compute& compute);

    /// Nats per token over the sample; nothing if `stop`, asked between two windows, says so.
    std::optional<double> loss(const model::Weights& weights, const std::function<bool()>& stop);
    std::uint64_t tokens() const { return inputs_.size(); }

  private:
    std::uint32_t batch_ = 0;  // tokens
    std::vector<std::uint32_t> inputs_;
    std::vector<std::uint32_t> targets_;
    std::unique_ptr<model::LeafPass> pass_;
};

}  // namespace cairn::cli
