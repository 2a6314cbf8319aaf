// Pooling: how the hidden states of a text's tokens become one vector for the text.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/config.h"
#include "tensor/compute.h"

namespace cairn::model {

/// The mean of all states; the state of the token that stands for the whole text ([CLS], the
/// first); the last state, which in a language model is the only one that has seen the whole text.
enum class Pooling { kMean, kFirst, kLast };

/// "mean", "cls", "last".
std::string_view pooling_name(Pooling pooling);
Result<Pooling> parse_pooling(std::string_view name);
/// What is usual: the mean for encoders, the last state for language models.
Pooling default_pooling(const ModelConfig& config);

/// One vector [dim] of states [n, dim], n > 0. The mean is N1's sum over tokens, then one division.
std::vector<float> pooled(const tensor::Compute& compute, Pooling pooling,
                          std::span<const float> states, std::size_t dim);
/// To length 1: x / sqrt(sum of squares), by N3. Zeros stay zeros.
void normalise(const tensor::Compute& compute, std::span<float> vector);

}  // namespace cairn::model
