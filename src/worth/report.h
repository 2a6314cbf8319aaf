// The loss that is published: over evenly spaced windows of the report text. No rule reads it, so
// nobody gains by training on that text.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/layout.h"
#include "tensor/compute.h"

namespace cairn::worth {

/// Nats per token on each of the texts that the report text is made of (their lengths in `parts`;
/// empty: it is one), all of them over about `windows` windows together. Otherwise as below.
std::vector<double> report_losses(const model::ParameterLayout& layout,
                                  std::span<const float> weights,
                                  std::span<const std::uint32_t> report_tokens,
                                  std::span<const std::uint64_t> parts, std::uint32_t context,
                                  std::uint32_t windows, const tensor::Compute& compute);

/// Nats per token over `windows` windows of `context` tokens, the first at the beginning of the
/// text and the last at its end. CHECKs train::check_tokens; `weights` follow `layout`.
double report_loss(const model::ParameterLayout& layout, std::span<const float> weights,
                   std::span<const std::uint32_t> report_tokens, std::uint32_t context,
                   std::uint32_t windows, const tensor::Compute& compute);

}  // namespace cairn::worth
