// Every sketch of papers A: Table 1 is unbiased, amplifies norms as the corrected table says, and
// keeps the paper's bound, found by going through all of its matrices.
#include "papers/sketch_moments.h"

#include <gtest/gtest.h>

namespace cairn::papers {
namespace {

TEST(SketchMoments, AllSixAreUnbiasedWithTheExactNormRatio) {
    const std::vector<double> g = {1, -2, 0.5, 3}, h = {2, 1, -1, 0.25};
    const double product = 1 * 2 - 2 * 1 - 0.5 + 0.75, g2 = 1 + 4 + 0.25 + 9,
                 h2 = 4 + 1 + 1 + 0.0625;
    for (const Sketch sketch : kAllSketches) {
        const auto found = sketch_moments(sketch, g, h, 2, sketch == Sketch::kSparse1 ? 1 : 2);
        ASSERT_TRUE(found.ok()) << name_of(sketch);
        EXPECT_NEAR(found->mean_inner, product, 1e-9) << name_of(sketch);
        EXPECT_NEAR(found->mean_desketch_norm_ratio, exact_norm_ratio(sketch, 4, 2), 1e-9)
            << name_of(sketch);
        EXPECT_LE(found->mean_inner_squared,
                  product * product + printed_parameter(sketch) / 2 * g2 * h2 + 1e-9)
            << name_of(sketch);
        EXPECT_GE(found->mean_inner_squared, product * product - 1e-9) << name_of(sketch);
    }
}

TEST(SketchMoments, TheGaussianSquareIsTheKnownOne) {
    // E <Rg, Rh>^2 = <g,h>^2 + (|g|^2 |h|^2 + <g,h>^2) / s.
    const auto found = sketch_moments(Sketch::kGaussian, std::vector<double>{1, 2},
                                      std::vector<double>{3, -1}, 3, 1);
    ASSERT_TRUE(found.ok());
    EXPECT_NEAR(found->mean_inner_squared, 1 + (5.0 * 10 + 1) / 3, 1e-9);
}

TEST(SketchMoments, RefusesSizesThatItCannotGoThrough) {
    const std::vector<double> three = {1, 2, 3}, many(16, 1.0), zero(4, 0.0);
    EXPECT_FALSE(sketch_moments(Sketch::kSrht, three, three, 2, 1).ok());
    EXPECT_FALSE(sketch_moments(Sketch::kSparse2, three, three, 3, 2).ok());
    EXPECT_FALSE(sketch_moments(Sketch::kAms, many, many, 8, 1).ok());
    EXPECT_FALSE(sketch_moments(Sketch::kAms, zero, zero, 2, 1).ok());
    EXPECT_FALSE(sketch_moments(Sketch::kAms, three, zero, 2, 1).ok());
}

}  // namespace
}  // namespace cairn::papers
