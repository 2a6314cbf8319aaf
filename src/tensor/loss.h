// Cross-entropy, and the integers through which consensus sees losses and gradients (N7).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "tensor/compute.h"
#include "tensor/matrix.h"

namespace cairn::tensor {

/// logits: [T, V]; targets: T ids below V; losses: [T] receives -log p(target) in nats.
/// dlogits: [T, V] receives p - onehot, not divided by T (that happens once, after the leaf tree);
/// it may be the same memory as logits. An empty matrix (data null) means loss only.
void cross_entropy(const Compute& compute, ConstMatrix logits,
                   std::span<const std::uint32_t> targets, float* losses, Matrix dlogits);

/// A token's loss as consensus adds it: nearest integer to loss * 2^20, ties to even, in
/// [0, 2^31]; NaN and infinities count 2^31.
std::int64_t loss_to_fixed(float loss);
/// The exact sum of loss_to_fixed.
std::int64_t sum_losses_fixed(std::span<const float> losses);

/// A judge gradient entry: nearest integer to g * 2^k, ties to even, clamped to +-(2^31 - 1);
/// NaN gives 0. |k| <= 100.
std::int32_t gradient_to_fixed(float g, int k);
void gradient_to_fixed(std::span<const float> g, int k, std::span<std::int32_t> out);

}  // namespace cairn::tensor
