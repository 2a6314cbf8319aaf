// Proves that the self-check passes under every kernel set and with any number of threads, so that
// a failure on a user's machine is that machine's fault.
#include "tensor/self_check.h"

#include <gtest/gtest.h>

namespace cairn::tensor {
namespace {

TEST(SelfCheck, EverySetComputesTheRecordedBits) {
    for (const std::size_t threads : {1UL, 3UL}) {
        ThreadPool pool(threads);
        const auto findings = self_check(pool);
        EXPECT_EQ(findings.size(), 7 * available_kernel_sets().size());
        for (const SelfCheckFinding& finding : findings)
            EXPECT_TRUE(finding.passed())
                << kernel_set_name(finding.set) << ' ' << finding.group << std::hex << " 0x"
                << finding.found << " instead of 0x" << finding.expected;
    }
}

}  // namespace
}  // namespace cairn::tensor
