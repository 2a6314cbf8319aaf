// Proves the scaled frequencies against the published formulas, and refusals.
#include <gtest/gtest.h>

#include <cmath>

#include "tensor/rope.h"

namespace cairn::tensor {
namespace {

using Kind = RopeScaling::Kind;

TEST(RopeScaling, Linear) {
    const auto plain = rope_frequencies(64, 10000.0);
    const auto scaled =
        scaled_rope_frequencies(64, 10000.0, {.kind = Kind::kLinear, .factor = 4.0});
    for (std::size_t i = 0; i < plain.size(); ++i) EXPECT_EQ(scaled[i], plain[i] / 4.0);
    EXPECT_EQ(scaled_rope_frequencies(64, 10000.0, {}), plain);
    EXPECT_EQ(rope_attention_factor({.kind = Kind::kLinear, .factor = 4.0}), 1.0);
}

// Llama 3.1: factor 8, 8192 positions, waves between 2048 and 8192 blended.
TEST(RopeScaling, Llama3) {
    const RopeScaling scaling{.kind = Kind::kLlama3, .factor = 8.0, .original_positions = 8192};
    const auto plain = rope_frequencies(128, 500000.0);
    const auto scaled = scaled_rope_frequencies(128, 500000.0, scaling);
    int kept = 0, stretched = 0, blended = 0;
    for (std::size_t i = 0; i < plain.size(); ++i) {
        const double wavelength = 2.0 * std::acos(-1.0) / plain[i];
        if (wavelength < 2048.0) {
            EXPECT_EQ(scaled[i], plain[i]);
            ++kept;
        } else if (wavelength > 8192.0) {
            EXPECT_EQ(scaled[i], plain[i] / 8.0);
            ++stretched;
        } else {
            const double smooth = (8192.0 / wavelength - 1.0) / 3.0;
            const double expected = (1.0 - smooth) * plain[i] / 8.0 + smooth * plain[i];
            EXPECT_NEAR(scaled[i] / expected, 1.0, 1e-14);
            ++blended;
        }
    }
    EXPECT_EQ(kept, 29);
    EXPECT_EQ(blended, 6);
    EXPECT_EQ(stretched, 29);
}

TEST(RopeScaling, Yarn) {
    RopeScaling scaling{.kind = Kind::kYarn, .factor = 4.0, .original_positions = 32768};
    const double theta = 1e6, d = 128.0, pi = std::acos(-1.0);
    const auto plain = rope_frequencies(128, theta);
    for (const bool truncate : {true, false}) {
        scaling.truncate = truncate;
        const auto scaled = scaled_rope_frequencies(128, theta, scaling);
        double low = d * std::log(32768.0 / (32.0 * 2.0 * pi)) / (2.0 * std::log(theta));
        double high = d * std::log(32768.0 / (2.0 * pi)) / (2.0 * std::log(theta));
        if (truncate) {
            low = std::floor(low);
            high = std::ceil(high);
        }
        for (std::size_t i = 0; i < plain.size(); ++i) {
            const double ramp =
                std::min(1.0, std::max(0.0, (static_cast<double>(i) - low) / (high - low)));
            const double expected = plain[i] / 4.0 * ramp + plain[i] * (1.0 - ramp);
            EXPECT_NEAR(scaled[i] / expected, 1.0, 1e-13) << i;
        }
    }
    EXPECT_NEAR(rope_attention_factor(scaling), 0.1 * std::log(4.0) + 1.0, 1e-15);
    scaling.mscale = 0.707;
    scaling.mscale_all_dim = 1.0;
    EXPECT_NEAR(rope_attention_factor(scaling),
                (0.0707 * std::log(4.0) + 1.0) / (0.1 * std::log(4.0) + 1.0), 1e-15);
    scaling.attention_factor = 1.25;
    EXPECT_EQ(rope_attention_factor(scaling), 1.25);
    const RopeTable table = make_rope_table(plain, 3, 1.25);
    EXPECT_EQ(table.cos[0], 1.25F);
    EXPECT_EQ(table.sin[table.pairs * 2], static_cast<float>(1.25 * std::sin(2.0)));
}

TEST(RopeScaling, RefusesWhatTheFormulasCannotTake) {
    EXPECT_TRUE(check_rope_scaling({}).ok());
    EXPECT_FALSE(check_rope_scaling({.kind = Kind::kLinear, .factor = 0.5}).ok());
    EXPECT_FALSE(check_rope_scaling({.kind = Kind::kLinear, .factor = std::nan("")}).ok());
    EXPECT_FALSE(check_rope_scaling({.kind = Kind::kLlama3, .factor = 8.0}).ok());
    EXPECT_FALSE(check_rope_scaling({.kind = Kind::kLlama3,
                                     .factor = 8.0,
                                     .original_positions = 8192,
                                     .low_freq_factor = 4.0,
                                     .high_freq_factor = 4.0})
                     .ok());
    EXPECT_FALSE(check_rope_scaling({.kind = Kind::kYarn,
                                     .factor = 4.0,
                                     .original_positions = 4096,
                                     .beta_fast = 1.0,
                                     .beta_slow = 32.0})
                     .ok());
}

}  // namespace
}  // namespace cairn::tensor
