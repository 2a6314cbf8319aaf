// Types of the hidden states of a sequence, by which they travel from one machine to the next
// (N48). A narrower type is part of what the model computes: states are rounded to it before the
// first layer and after every layer, wherever the layers run, so the text depends on the type and
// not on where a model is cut over machines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.h"

namespace cairn::tensor {

/// kI8: 8 bits for each value, and one scale for each row.
enum class StateType : std::uint8_t { kF32 = 0, kF16 = 1, kI8 = 2 };
inline constexpr std::uint8_t kLastStateType = 2;

/// "f32", "f16", "i8".
std::string_view state_type_name(StateType type);
Result<StateType> parse_state_type(std::string_view name);
/// Of one packed row of `dim` values: 4 dim, 2 dim, or 4 + dim.
std::size_t state_row_bytes(StateType type, std::size_t dim);

/// x[rows, dim] becomes what the type would give back. A row that kI8 cannot hold (NaN, infinity, a
/// scale beyond f32) becomes NaN, so that whoever checks it refuses it. Rounding twice is rounding
/// once, to the bit.
void round_states(StateType type, std::size_t dim, std::span<float> x);

/// `to` is [rows, state_row_bytes], of rows that are rounded already.
void pack_states(StateType type, std::size_t dim, std::span<const float> x,
                 std::span<std::uint8_t> to);
/// The rows that pack_states() packed. False for bytes that it never makes.
[[nodiscard]] bool unpack_states(StateType type, std::size_t dim,
                                 std::span<const std::uint8_t> from, std::span<float> x);

}  // namespace cairn::tensor
