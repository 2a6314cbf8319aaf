// The loss of a model over a whole text: what `cairn eval` reports, and `cairn train` at the end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "base/result.h"
#include "model/kv_cache.h"
#include "model/weights.h"
#include "tensor/compute.h"
#include "tensor/state_type.h"

namespace cairn::train {

/// Who hears how far a loss is measured, and may end that. Both may be empty.
struct LossWatch {
    std::function<bool()> stop{};  ///< asked between two pieces of work: kCancelled
    /// Tokens of so many that are done, and nats a token so far.
    std::function<void(std::size_t done, std::size_t total, double nats)> progress{};
};

/// Sum of the integer losses (unit 2^-20 nats) of stream[1..] given what stands before, in windows
/// of `context` tokens, a power of two. The stream has at least two tokens.
Result<std::int64_t> text_loss(const model::ParameterLayout& layout, const model::Weights& weights,
                               std::span<const std::uint32_t> stream, std::uint32_t context,
                               const tensor::Compute& compute, const LossWatch& watch = {});

/// The same of a packed causal model as it writes with such a cache and such states between layers.
struct WrittenWith {
    model::KvType kv = model::KvType::kF32;
    tensor::StateType states = tensor::StateType::kF32;

    bool operator==(const WrittenWith&) const = default;
};
Result<std::int64_t> text_loss_with(const WrittenWith& types, const model::Model& model,
                                    std::span<const std::uint32_t> stream, std::uint32_t context,
                                    const tensor::Compute& compute, const LossWatch& watch = {});

}  // namespace cairn::train
