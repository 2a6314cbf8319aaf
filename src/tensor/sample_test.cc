// Proves the sampler's rules one by one, its frequencies, and Philox against its published vectors.
#include "tensor/sample.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tensor/philox.h"
#include "tensor/test_values.h"

namespace cairn::tensor {
namespace {

TEST(Philox, PublishedVectors) {
    using Words = std::array<std::uint32_t, 4>;
    EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}),
              (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
    EXPECT_EQ(philox4x32({~0U, ~0U, ~0U, ~0U}, {~0U, ~0U}),
              (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
    EXPECT_EQ(
        philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
        (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, NormalNumbersAreNormal) {
    const std::vector<float> x = normal_values(200000, 3);
    double sum = 0.0, squares = 0.0, fourth = 0.0;
    for (const float v : x) {
        const auto d = static_cast<double>(v);
        sum += d;
        squares += d * d;
        fourth += d * d * d * d;
    }
    const auto n = static_cast<double>(x.size());
    EXPECT_NEAR(sum / n, 0.0, 0.01);
    EXPECT_NEAR(squares / n, 1.0, 0.02);
    EXPECT_NEAR(fourth / n, 3.0, 0.1);
    EXPECT_EQ(normal_values(7, 3), std::vector<float>(x.begin(), x.begin() + 7));
}

class Sample : public testing::Test {
  protected:
    std::uint32_t draw(const std::vector<float>& logits, const SampleSettings& settings,
                       std::uint64_t position = 0, std::vector<std::uint32_t> history = {}) {
        return *sample(compute_, logits, history, settings, position);
    }

    /// Which ids come up over many positions, and how often.
    std::vector<int> counts(const std::vector<float>& logits, const SampleSettings& settings) {
        std::vector<int> result(logits.size());
        for (std::uint64_t position = 0; position < 20000; ++position)
            ++result[draw(logits, settings, position)];
        return result;
    }

    ThreadPool pool_{1};
    Compute compute_{*kernels_for(available_kernel_sets().back()), &pool_};
    // probabilities 0.5, 0.25, 0.125, 0.125 at temperature 1
    std::vector<float> logits_{std::log(0.25F), std::log(0.5F), std::log(0.125F), std::log(0.125F)};
};

TEST_F(Sample, TemperatureZeroTakesTheLowestOfTheLargest) {
    EXPECT_EQ(draw({1.0F, 3.0F, 3.0F, 2.0F}, {}), 1U);
    EXPECT_EQ(argmax(std::vector<float>{-0.0F, 0.0F}), 0U);
}

TEST_F(Sample, FrequenciesFollowTheProbabilities) {
    const auto found = counts(logits_, {.temperature = 1.0F, .seed = 7});
    EXPECT_NEAR(found[0], 5000, 250);
    EXPECT_NEAR(found[1], 10000, 300);
    EXPECT_NEAR(found[2], 2500, 200);
    const auto sharper = counts(logits_, {.temperature = 0.5F, .seed = 7});
    EXPECT_NEAR(sharper[1], 20000 * 0.25 / (0.25 + 0.0625 + 2 * 0.015625), 300);
}

TEST_F(Sample, Cuts) {
    // ties at the border go to the lowest id
    EXPECT_EQ(counts(logits_, {.temperature = 1.0F, .top_k = 3})[3], 0);
    EXPECT_GT(counts(logits_, {.temperature = 1.0F, .top_k = 3})[2], 0);
    EXPECT_EQ(counts(logits_, {.temperature = 1.0F, .top_k = 1})[1], 20000);
    // 0.5 + 0.25 does not reach 0.76: the third stays
    const auto top_p = counts(logits_, {.temperature = 1.0F, .top_p = 0.76F});
    EXPECT_GT(top_p[2], 0);
    EXPECT_EQ(top_p[3], 0);
    EXPECT_EQ(counts(logits_, {.temperature = 1.0F, .top_p = 0.4F})[1], 20000);
    const auto min_p = counts(logits_, {.temperature = 1.0F, .min_p = 0.3F});
    EXPECT_EQ(min_p[2] + min_p[3], 0);
    EXPECT_GT(min_p[0], 0);
}

TEST_F(Sample, Penalties) {
    const std::vector<float> z{2.0F, 1.9F, -1.0F};
    EXPECT_EQ(draw(z, {.repetition_penalty = 1.2F}, 0, {0}), 1U);
    EXPECT_EQ(draw(z, {.presence_penalty = 0.2F}, 0, {0}), 1U);
    EXPECT_EQ(draw(z, {.frequency_penalty = 0.04F}, 0, {0, 0}), 0U);
    EXPECT_EQ(draw(z, {.frequency_penalty = 0.04F}, 0, {0, 0, 0}), 1U);
    // What was given counts for repetition alone.
    const std::vector<std::uint32_t> text{0, 0, 0, 2};
    const auto behind_prompt = [&](const SampleSettings& settings) {
        return *sample(compute_, z, text, settings, 0, 3);
    };
    EXPECT_EQ(behind_prompt({.repetition_penalty = 1.2F}), 1U);
    EXPECT_EQ(behind_prompt({.presence_penalty = 0.2F}), 0U);
    EXPECT_EQ(behind_prompt({.frequency_penalty = 2.0F}), 0U);
    EXPECT_EQ(behind_prompt({.presence_penalty = -4.0F}), 2U);
}

TEST_F(Sample, RefusesWhatIsNoDistribution) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const float inf = std::numeric_limits<float>::infinity();
    EXPECT_FALSE(sample(compute_, std::vector<float>{1.0F, nan}, {}, {}, 0).ok());
    EXPECT_FALSE(sample(compute_, std::vector<float>{1.0F, inf}, {}, {}, 0).ok());
    EXPECT_FALSE(sample(compute_, {}, {}, {}, 0).ok());
    EXPECT_FALSE(sample(compute_, logits_, {}, {.temperature = nan}, 0).ok());
    EXPECT_FALSE(sample(compute_, logits_, {}, {.temperature = 1e-40F}, 0).ok());
    EXPECT_FALSE(sample(compute_, logits_, {}, {.top_p = 0.0F}, 0).ok());
}

TEST_F(Sample, TheSameOnEveryKernelSet) {
    const std::vector<float> z = normal_values(5000, 9, 2.0);
    const SampleSettings settings{.temperature = 0.9F, .top_k = 400, .top_p = 0.9F, .seed = 3};
    for (const KernelSet set : available_kernel_sets())
        for (std::uint64_t position = 0; position < 50; ++position)
            EXPECT_EQ(*sample({*kernels_for(set), &pool_}, z, {}, settings, position),
                      draw(z, settings, position));
}

}  // namespace
}  // namespace cairn::tensor
