// For the gradient tests: central differences of a function in double against a gradient that a
// backward pass computed.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "tensor/test_values.h"

namespace cairn::tensor {

using Values = std::vector<float>;
using Doubles = std::vector<double>;

inline Doubles widen(const Values& values) { return {values.begin(), values.end()}; }

/// Checks that `gradient` holds the derivatives of `loss` at `x`.
inline void expect_derivative(const std::function<double(const Doubles&)>& loss, const Values& x,
                              const Values& gradient, const std::string& what) {
    Doubles at = widen(x);
    double largest = 1e-3;
    for (const float g : gradient) largest = std::max(largest, std::fabs(static_cast<double>(g)));
    for (std::size_t i = 0; i < at.size(); ++i) {
        const double h = 1e-5, center = at[i];
        at[i] = center + h;
        const double above = loss(at);
        at[i] = center - h;
        const double below = loss(at);
        at[i] = center;
        EXPECT_NEAR(static_cast<double>(gradient[i]), (above - below) / (2 * h), 2e-5 * largest)
            << what << ' ' << i;
    }
}

inline double weighted(const Doubles& y, const Values& weights) {
    double sum = 0.0;
    for (std::size_t i = 0; i < y.size(); ++i) sum += y[i] * static_cast<double>(weights[i]);
    return sum;
}

class Gradient : public testing::Test {
  protected:
    ThreadPool pool_{1};
    Compute compute_{*kernels_for(available_kernel_sets().back()), &pool_};
};

}  // namespace cairn::tensor
