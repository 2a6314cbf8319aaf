// Proves that the papers' tables about low-rank weights say what the formulas give, without a
// command line: what is printed and right, what is refused, and how many rows there are.
#include "papers/low_rank_tables.h"

#include <gtest/gtest.h>

namespace cairn::papers {
namespace {

const Value& field(const Row& row, const std::string& name) {
    for (const Field& each : row)
        if (each.name == name) return each.value;
    ADD_FAILURE() << "no field " << name;
    return row.front().value;
}

TEST(LowRankTables, Table2IsAsPrinted) {
    const ResultTable table = table2();
    ASSERT_EQ(table.rows.size(), 4U);
    for (const Row& row : table.rows) EXPECT_TRUE(std::get<bool>(field(row, "equal")));
    EXPECT_TRUE(table.found.starts_with("4 of the 4 printed rows")) << table.found;
}

TEST(LowRankTables, Table3CountsWhatItsFormulasSay) {
    const ResultTable table = table3({.m = 100, .n = 50, .t = 10, .batch = 1, .ratio = 0.6});
    ASSERT_EQ(table.rows.size(), 3U);
    EXPECT_EQ(std::get<double>(field(table.rows[0], "full")), 100 * 50);
    // The rank is the largest whose factors and scales, (m + n + 1) k, are 0.6 of that.
    EXPECT_EQ(std::get<double>(field(table.rows[0], "low_rank")), 151 * 19);
    EXPECT_EQ(std::get<double>(field(table.rows[2], "full")), 100 * 50 + 50 * 10);
}

TEST(LowRankTables, FiguresHaveARowForEachRatioAndReading) {
    EXPECT_EQ(figure6().rows.size(), 7U * 2);
    EXPECT_EQ(figure7().rows.size(), 7U * 2 * 5);
    EXPECT_EQ(figure6().pictures.size(), 2U);
}

TEST(LowRankTables, Figure7NamesTheReadingsThatSaveMoreThanWasTakenAway) {
    const std::string found = figure7().found;
    for (const char* rate : {"20.2 %", "28.6 %", "30.0 %", "88.7 and 99.8 %"})
        EXPECT_NE(found.find(rate), std::string::npos) << found;
}

TEST(LowRankTables, CountingIsRefusedWhereItWouldTakeMinutes) {
    const auto refused = counted_reads({.m = 1 << 20, .n = 1 << 20, .t = 1 << 10});
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalid);
    const auto counted = counted_reads({.m = 24, .n = 12, .t = 6});
    ASSERT_TRUE(counted.ok());
    ASSERT_EQ(counted->rows.size(), 4U);
    EXPECT_EQ(std::get<double>(field(counted->rows[0], "counted_over_formula")), 1);
}

}  // namespace
}  // namespace cairn::papers
