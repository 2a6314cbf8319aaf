// The loss of a model over a whole text: what `eval` reports and `train` watches.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "base/result.h"
#include "model/kv_cache.h"
#include "model/weights.h"
#include "tensor/compute.h"
#include "tensor/state_type.h"

namespace cairn::cli {

/// Sum of the integer losses (unit 2^-20 nats) of stream[1..] given what stands before, in windows
/// of `context` tokens, a power of two. The stream has at least two tokens. `stop` is asked between
/// two pieces of work: kCancelled.
Result<std::int64_t> text_loss(const model::ParameterLayout& layout, const model::Weights& weights,
                               std::span<const std::uint32_t> stream, std::uint32_t context,
                               const tensor::Compute& compute,
                               const std::function<bool()>& stop = {});

/// The same of a packed causal model as it writes with such a cache and such states between layers.
struct WrittenWith {
    model::KvType kv = model::KvType::kF32;
    tensor::StateType states = tensor::StateType::kF32;

    bool operator==(const WrittenWith&) const = default;
};
Result<std::int64_t> text_loss_with(const WrittenWith& types, const model::Model& model,
                                    std::span<const std::uint32_t> stream, std::uint32_t context,
                                    const tensor::Compute& compute);

}  // namespace cairn::cli
