// Comparing two models: tensor by tensor, and by the logits that they give. How `cairn model
// verify --against` shows that a conversion lost nothing, or how much.
#pragma once

#include <string>
#include <vector>

#include "model/weights.h"
#include "tensor/compute.h"

namespace cairn::formats {

struct TensorDifference {
    std::string name;
    bool same_bytes = false;  ///< type and bits
    double largest = 0;       ///< absolute, of values
    double root_mean_square = 0;
};

/// In layout order. kInvalid if the models differ in shape. If they differ in the pairing of rotary
/// positions, the rows of one are first permuted to the other's order.
Result<std::vector<TensorDifference>> compare_tensors(const model::Model& a, const model::Model& b);

struct LogitDifference {
    std::size_t positions = 0;
    bool same_bits = false;
    double largest = 0;
    std::size_t same_choice = 0;  ///< positions at which both would write the same token
};

/// After each of the tokens; models without a head are compared by hidden states.
LogitDifference compare_logits(const tensor::Compute& compute, const model::Model& a,
                               const model::Model& b, std::span<const std::uint32_t> tokens);

}  // namespace cairn::formats
