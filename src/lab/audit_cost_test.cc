// Proves that the cost of an audit can be measured for any shape, and that honest evidence of it
// passes; how fast is no matter of a test.
#include "lab/audit_cost.h"

#include <gtest/gtest.h>

namespace cairn::lab {
namespace {

TEST(AuditCost, IsMeasured) {
    ThreadPool pool(1);
    const tensor::Compute compute{tensor::kernels_from_environment().value(), &pool};
    const SystemClock clock;
    const AuditCost cost =
        measure_audit_cost({.width = 64, .hidden = 96, .heads = 4, .kv_heads = 2, .tokens = 64}, 1,
                           compute, clock)
            .value();
    EXPECT_GT(cost.evidence_bytes, 64U * (64 + 2 * 32 + 64 + 96 + 96 + 64) * 2);
    EXPECT_EQ(cost.weight_bytes, 64U * 68 + 2 * 32 * 68 + 64 * 68 + 2 * 96 * 68 + 64 * 100);
    EXPECT_FALSE(measure_audit_cost({.width = 63}, 1, compute, clock).ok());
    EXPECT_FALSE(measure_audit_cost({.tokens = 3}, 1, compute, clock).ok());
}

}  // namespace
}  // namespace cairn::lab
