// The attention heads of a model that reads a text, in the fixed-point numbers of attention by
// digits (N49): what a Server would have to prove of its answers.
#pragma once

#include <functional>
#include <span>

#include "argument/statement.h"
#include "base/result.h"
#include "model/weights.h"
#include "tensor/compute.h"

namespace cairn::lab {

struct ModelHead {
    std::uint32_t layer = 0;
    std::uint32_t head = 0;  ///< a query head
    argument::Statement statement;
};

/// Calls `each` for every query head of every layer, in order, for `tokens` as one sequence (at
/// most the model's context and argument::kMaxRows); ends early when it returns an error. States
/// between layers are those of f32 attention. kUnsupported for an encoder.
Status each_model_head(const model::Model& model, std::span<const std::uint32_t> tokens,
                       const tensor::Compute& compute,
                       const std::function<Status(const ModelHead&)>& each);

}  // namespace cairn::lab
