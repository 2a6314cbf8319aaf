// For tests: one operation, computed by the reference and then by every kernel set of this machine
// with 1, 2 and 5 threads; all bits must agree.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "tensor/kernels.h"
#include "tensor/test_values.h"

namespace cairn::tensor {

using Results = std::vector<std::vector<float>>;

inline void expect_every_set_equal(const std::function<Results(const Compute&)>& operation,
                                   const std::string& what) {
    ThreadPool one(1);
    const Results expected = operation({reference_kernels(), &one});
    for (const KernelSet set : available_kernel_sets()) {
        for (const std::size_t threads : {1UL, 2UL, 5UL}) {
            ThreadPool pool(threads);
            const Results found = operation({*kernels_for(set), &pool});
            ASSERT_EQ(found.size(), expected.size());
            for (std::size_t i = 0; i < found.size(); ++i)
                ASSERT_EQ(bits_differ(found[i], expected[i]), "")
                    << what << ", result " << i << ", " << kernel_set_name(set) << ", " << threads
                    << " threads";
        }
    }
}

/// Every `every`-th value replaced by what arithmetic must survive.
inline std::vector<float> among_extremes(std::vector<float> values, std::size_t every) {
    const float extremes[] = {0.0F,   -0.0F,   std::numeric_limits<float>::infinity(),
                              1e-42F, -1e-30F, -std::numeric_limits<float>::quiet_NaN(),
                              3e38F,  -3e38F,  -std::numeric_limits<float>::infinity()};
    for (std::size_t i = every / 2, next = 0; i < values.size(); i += every, ++next)
        values[i] = extremes[next % std::size(extremes)];
    return values;
}

}  // namespace cairn::tensor
