// Proves that a machine's own measurement takes about the time that it may, counts layer-rows, and
// says about the same of one layer as of several.
#include "serve/self_measure.h"

#include <gtest/gtest.h>

#include <ctime>

#include "base/clock.h"
#include "tensor/kernels.h"

namespace cairn::serve {
namespace {

ModelSnapshot a_model() {
    const model::ModelConfig config{.dim = 64,
                                    .hidden_dim = 128,
                                    .layers = 4,
                                    .heads = 4,
                                    .kv_heads = 2,
                                    .vocab = 64,
                                    .context = 128};
    auto model = std::make_shared<const model::Model>(
        model::make_model(config, model::initial_parameters(model::ParameterLayout(config), 1)));
    return snapshot_of(std::move(model)).value();
}

/// Time passes while this process computes, not while others do.
struct ProcessorClock final : Clock {
    std::uint64_t wall_ms() const override { return monotonic_us() / 1'000; }
    std::uint64_t monotonic_us() const override {
        return static_cast<std::uint64_t>(std::clock()) * 1'000'000 / CLOCKS_PER_SEC;
    }
};

TEST(SelfMeasure, CountsLayerRowsWithinItsTime) {
    const ModelSnapshot snapshot = a_model();
    ThreadPool pool(1);
    const tensor::Compute compute{tensor::kernels_from_environment().value(), &pool};
    const ProcessorClock clock;
    const Measured all = measure_rows(snapshot, {0, 4}, compute, clock, 200);
    EXPECT_EQ(all.rows % 4, 0U);
    EXPECT_GE(all.rows, 4U);
    EXPECT_LT(all.seconds, 0.4);
    EXPECT_NEAR(all.rows_per_s, static_cast<double>(all.rows) / all.seconds, 1e-6);
    const Measured one = measure_rows(snapshot, {2, 3}, compute, clock, 200);
    EXPECT_GT(one.rows_per_s, all.rows_per_s / 4) << "a layer-row is a layer-row";
    EXPECT_LT(one.rows_per_s, all.rows_per_s * 4);
    // Even without time for it there is a figure.
    EXPECT_GT(measure_rows(snapshot, {0, 4}, compute, clock, 0).rows_per_s, 0);
}

}  // namespace
}  // namespace cairn::serve
