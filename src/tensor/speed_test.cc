// Proves that the measurements end and give figures of the right order, in the right units.
#include "tensor/speed.h"

#include <gtest/gtest.h>

namespace cairn::tensor {
namespace {

TEST(Speed, FiguresArePlausible) {
    const SystemClock clock;
    ThreadPool pool(1);
    const Compute compute{*kernels_from_environment(), &pool};
    for (const ProductKind kind : {ProductKind::kNt, ProductKind::kNn, ProductKind::kTn}) {
        const double flops = measure_product(clock, compute, kind, 64, 64, 64);
        EXPECT_GT(flops, 1e7);
        EXPECT_LT(flops, 1e13);
    }
    const WeightSpeed speed = measure_weight(clock, compute, WeightType::kF16, 32, 64, 64);
    EXPECT_GT(speed.flops, 1e7);
    // 32 rows: 64 operations for every weight of two bytes
    EXPECT_NEAR(speed.flops / speed.bytes_per_second, 32.0, 1e-6);
}

}  // namespace
}  // namespace cairn::tensor
