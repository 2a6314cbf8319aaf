// Counted reads are those of papers B: Table 3, and the hierarchy changes no result.
#include "papers/product_reads.h"

#include <gtest/gtest.h>

namespace cairn::papers {
namespace {

TEST(ProductReads, AreThoseOfTable3) {
    const std::uint64_t m = 12, n = 9, k = 4, t = 5;
    EXPECT_EQ(count_product(m, n, t, false).reads, 2 * m * n * t);
    EXPECT_EQ(count_product(m, n, t, true).reads, m * n + n * t);
    // The table leaves out the 2kt reads of the scaling.
    EXPECT_EQ(count_low_rank(m, n, k, t, false).reads, 2 * (m + n) * k * t + 2 * k * t);
    EXPECT_EQ(count_low_rank(m, n, k, t, true).reads, m * k + k + n * k + n * t);
}

TEST(ProductReads, AHierarchyChangesNoResult) {
    EXPECT_EQ(count_product(7, 6, 5, false).checksum, count_product(7, 6, 5, true).checksum);
    EXPECT_NE(count_product(7, 6, 5, false).checksum, 0);
    EXPECT_EQ(count_low_rank(7, 6, 2, 5, false).checksum,
              count_low_rank(7, 6, 2, 5, true).checksum);
}

}  // namespace
}  // namespace cairn::papers
