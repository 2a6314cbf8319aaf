// Multilinear polynomials (extensions), each given by its values on {0,1}^v: the value for the bits
// (b_1 ... b_v) stands at the number whose highest bit is b_1. And the arithmetic of a sumcheck's
// rounds, in which the variables are bound in this order.
#pragma once

#include <span>
#include <vector>

#include "argument/fp.h"

namespace cairn::argument {

/// For each of the 2^v places the weight of its value in the polynomial's value at `point`:
/// the product of point_k for bits that are 1 and 1 - point_k for the others.
std::vector<Fp2> place_weights(std::span<const Fp2> point);
/// The weights' own polynomial: the product of a_k b_k + (1 - a_k) (1 - b_k).
Fp2 equality(std::span<const Fp2> a, std::span<const Fp2> b);

/// The first variable becomes r; half as many values are left.
void bind(std::vector<Fp2>& values, const Fp2& r);
std::vector<Fp2> bound(std::span<const Fp> values, const Fp2& r);

/// From a polynomial's values at 0, 1, ..., values.size() - 1, which it is of lower degree than, to
/// its values at 0, ..., count - 1.
std::vector<Fp2> extend(std::vector<Fp2> values, std::size_t count);
/// Degrees of a round's polynomial end here.
inline constexpr std::size_t kMaxDegree = 6;
/// Its value at r.
Fp2 interpolate(std::span<const Fp2> values, const Fp2& r);

/// A round's message says the polynomial's values at 0, 2, 3, ...: the one at 1 is what the claim,
/// the sum of the first two, leaves for it.
std::vector<Fp2> round_message(std::span<const Fp2> values);
/// What is claimed next, after the challenge r.
Fp2 next_claim(const Fp2& claim, std::span<const Fp2> message, const Fp2& r);

}  // namespace cairn::argument
