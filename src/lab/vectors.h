// Directions in parameter space as floats, in the model's own unit.
#pragma once

#include <cmath>
#include <span>
#include <vector>

#include "consensus/model_seam.h"

namespace cairn::lab {

inline double dot_of(std::span<const float> a, std::span<const float> b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
    return sum;
}
inline double norm_of(std::span<const float> a) { return std::sqrt(dot_of(a, a)); }

/// a += factor * b.
inline void add_times(std::vector<float>& a, double factor, std::span<const float> b) {
    for (std::size_t i = 0; i < a.size(); ++i) a[i] += static_cast<float>(factor * b[i]);
}
inline void scale_by(std::vector<float>& a, double factor) {
    for (float& value : a) value = static_cast<float>(value * factor);
}
/// To norm 1; zeros stay.
inline void normalise(std::vector<float>& a) {
    const double norm = norm_of(a);
    if (norm > 0) scale_by(a, 1 / norm);
}

/// Unit 2^-24 to 1.
inline std::vector<float> to_floats(std::span<const std::int32_t> delta) {
    std::vector<float> values(delta.size());
    for (std::size_t i = 0; i < delta.size(); ++i)
        values[i] = static_cast<float>(delta[i]) * 0x1p-24F;
    return values;
}

}  // namespace cairn::lab
