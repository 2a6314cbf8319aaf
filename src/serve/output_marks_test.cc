// Proves that the marks of results are the hashes that receipts say, however the rows came and were
// taken back, and that nothing is made up where it is not known.
#include "serve/output_marks.h"

#include <gtest/gtest.h>

namespace cairn::serve {
namespace {

constexpr std::size_t kDim = 3;

std::vector<float> rows_of(std::size_t first, std::size_t count, float shift = 0) {
    std::vector<float> rows;
    for (std::size_t i = first * kDim; i < (first + count) * kDim; ++i)
        rows.push_back(static_cast<float>(i) + shift);
    return rows;
}

Hash256 hash_of(std::size_t first, std::size_t count, float shift = 0) {
    return states_hash(static_cast<std::uint32_t>(first), rows_of(first, count, shift));
}

TEST(OutputMarks, AreTheHashesOfReceipts) {
    OutputMarks marks(kDim, 0);
    for (std::size_t at = 0; at < 100; at += 7) marks.put(rows_of(at, 7));
    EXPECT_EQ(marks.length(), 105U);
    for (std::size_t at = 0; at < 96; at += 16) EXPECT_EQ(marks.of(at, 16), hash_of(at, 16)) << at;
    EXPECT_EQ(marks.of(97, 5), hash_of(97, 5)) << "the last rows are here";
    EXPECT_EQ(marks.of(8, 16), std::nullopt);
    EXPECT_EQ(marks.of(0, 15), std::nullopt);
    EXPECT_EQ(marks.of(96, 16), std::nullopt) << "not computed yet";
}

TEST(OutputMarks, WhatIsTakenBackIsForgotten) {
    OutputMarks marks(kDim, 0);
    marks.put(rows_of(0, 50));
    marks.truncate(45);
    marks.put(rows_of(45, 20, 0.5F));
    EXPECT_EQ(marks.of(16, 16), hash_of(16, 16));
    std::vector<float> mixed = rows_of(32, 13);
    const std::vector<float> after = rows_of(45, 3, 0.5F);
    mixed.insert(mixed.end(), after.begin(), after.end());
    EXPECT_EQ(marks.of(32, 16), states_hash(32, mixed));
    EXPECT_EQ(marks.of(48, 16), hash_of(48, 16, 0.5F));
    // Back to where the rows themselves are gone: the block that is cut has no hash any more.
    marks.truncate(5);
    marks.put(rows_of(5, 40, 0.5F));
    EXPECT_EQ(marks.of(0, 16), std::nullopt);
    EXPECT_EQ(marks.of(16, 16), hash_of(16, 16, 0.5F));
}

TEST(OutputMarks, WhatWasThereBeforeIsNotKnown) {
    OutputMarks marks(kDim, 20);
    marks.put(rows_of(20, 30));
    EXPECT_EQ(marks.length(), 50U);
    EXPECT_EQ(marks.of(0, 16), std::nullopt);
    EXPECT_EQ(marks.of(16, 16), std::nullopt);
    EXPECT_EQ(marks.of(32, 16), hash_of(32, 16));
}

}  // namespace
}  // namespace cairn::serve
