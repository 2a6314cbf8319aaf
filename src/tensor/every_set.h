// For tests: one operation, computed by the reference and then by every kernel set of this machine
// with 1, 2 and 5 threads; all bits must agree.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "tensor/kernels.h"
#include "tensor/test_values.h"

namespace cairn::tensor {

using Operation = std::function<Results(const Compute&)>;

/// Runs `operation` with the reference on one thread, then with `set` on 1, 2 and 5.
inline void expect_set_equal(KernelSet set, const Operation& operation, const std::string& what) {
    ThreadPool one(1);
    const Results expected = operation({reference_kernels(), &one});
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

inline void expect_every_set_equal(const Operation& operation, const std::string& what) {
    for (const KernelSet set : available_kernel_sets()) expect_set_equal(set, operation, what);
}

}  // namespace cairn::tensor
