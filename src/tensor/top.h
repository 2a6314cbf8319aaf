// The largest values of a row of logits, without sorting the row: what sampling and reported
// log-probabilities begin with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace cairn::tensor {

struct Ranked {
    std::uint32_t id;
    float value;
};

/// The order of tokens: the larger value first, the lower id among equals.
inline bool likelier(const Ranked& a, const Ranked& b) {
    return a.value != b.value ? a.value > b.value : a.id < b.id;
}

/// The largest value; values must not be empty nor hold NaN.
float largest(std::span<const float> values);

/// The first `count` values in the order `likelier`, but not sorted among themselves. `best` is
/// overwritten; its memory is reused. 0 < count <= values.size().
void select_top(std::span<const float> values, std::size_t count, std::vector<Ranked>& best);

}  // namespace cairn::tensor
