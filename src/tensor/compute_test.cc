// Proves the choice of kernels: names, the override by environment, and its errors; AdamW and
// clipping by hand-computed steps.
#include "tensor/compute.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <span>

#include "tensor/adamw.h"
#include "tensor/elementwise.h"
#include "tensor/kernels.h"
#include "tensor/test_values.h"

namespace cairn::tensor {
namespace {

class Environment : public testing::Test {
  protected:
    void SetUp() override {
        if (const char* value = std::getenv("CAIRN_KERNELS")) before_ = value;
    }
    void TearDown() override {
        if (before_.empty())
            unsetenv("CAIRN_KERNELS");
        else
            setenv("CAIRN_KERNELS", before_.c_str(), 1);
    }
    std::string before_;
};

TEST_F(Environment, TheFastestByDefault) {
    unsetenv("CAIRN_KERNELS");
    EXPECT_EQ(kernel_set_of(**kernels_from_environment()), available_kernel_sets().back());
}

TEST_F(Environment, OverrideNamesTheSet) {
    for (const KernelSet set : available_kernel_sets()) {
        setenv("CAIRN_KERNELS", std::string(kernel_set_name(set)).c_str(), 1);
        EXPECT_EQ(kernel_set_of(**kernels_from_environment()), set);
    }
}

TEST_F(Environment, UnknownNamesAndMissingSetsAreRefused) {
    setenv("CAIRN_KERNELS", "sse9", 1);
    const auto unknown = kernels_from_environment();
    ASSERT_FALSE(unknown.ok());
    EXPECT_NE(unknown.error().message.find("CAIRN_KERNELS: unknown kernel set 'sse9'"),
              std::string::npos);
    for (const KernelSet set : {KernelSet::kNeon, KernelSet::kAvx2, KernelSet::kAvx512}) {
        if (kernel_set_available(set)) continue;
        setenv("CAIRN_KERNELS", std::string(kernel_set_name(set)).c_str(), 1);
        ASSERT_FALSE(kernels_from_environment().ok());
        EXPECT_EQ(kernels_from_environment().error().code, ErrorCode::kUnsupported);
    }
}

TEST(Adamw, FirstStepMovesByTheLearningRate) {
    ThreadPool pool(1);
    const Compute compute{reference_kernels(), &pool};
    const AdamwSettings settings{.learning_rate = 0.01, .weight_decay = 0.1};
    float p[] = {1.0F, -2.0F}, m[] = {0.0F, 0.0F}, v[] = {0.0F, 0.0F};
    const float g[] = {0.5F, -3.0F};
    adamw_update(compute, adamw_coefficients(settings, 1), true, 2, g, p, m, v);
    EXPECT_NEAR(p[0], 1.0F * 0.999F - 0.01F, 1e-6F);
    EXPECT_NEAR(p[1], -2.0F * 0.999F + 0.01F, 1e-6F);
    EXPECT_NEAR(m[0], 0.05F, 1e-7F);
    EXPECT_NEAR(v[0], 0.0125F, 1e-7F);
    float q[] = {1.0F}, m2[] = {0.0F}, v2[] = {0.0F};
    adamw_update(compute, adamw_coefficients(settings, 1), false, 1, g, q, m2, v2);
    EXPECT_NEAR(q[0], 0.99F, 1e-6F);
}

TEST(Adamw, BiasCorrectionsAreThePowers) {
    for (const std::uint64_t step : {1ULL, 2ULL, 100ULL, 10000ULL}) {
        const AdamwCoefficients c = adamw_coefficients({}, step);
        EXPECT_EQ(c.bias1, static_cast<float>(1.0 - std::pow(0.9, static_cast<double>(step))));
        EXPECT_EQ(c.bias2, static_cast<float>(1.0 - std::pow(0.95, static_cast<double>(step))));
    }
}

TEST(Adamw, Clipping) {
    ThreadPool pool(1);
    const Compute compute{reference_kernels(), &pool};
    const float a[] = {3.0F}, b[] = {0.0F, 4.0F};
    const std::span<const float> tensors[] = {a, b};
    EXPECT_EQ(global_norm(compute, tensors), 5.0F);
    EXPECT_EQ(clip_factor(5.0F, 1.0F), 0.2F);
    EXPECT_EQ(clip_factor(0.5F, 1.0F), 1.0F);
}

TEST(Elementwise, FindsWhatIsNotFinite) {
    std::vector<float> x = normal_values(100, 1);
    EXPECT_TRUE(all_finite(x.size(), x.data()));
    x[77] = -INFINITY;
    EXPECT_FALSE(all_finite(x.size(), x.data()));
    x[77] = NAN;
    EXPECT_FALSE(all_finite(x.size(), x.data()));
}

}  // namespace
}  // namespace cairn::tensor
