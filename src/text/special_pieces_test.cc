// Proves that the first and, there, the longest special piece is found.
#include "text/special_pieces.h"

#include <gtest/gtest.h>

namespace cairn::text {
namespace {

TEST(SpecialPieces, FindsTheFirstAndLongest) {
    const SpecialPieces pieces({{"<a>", 1}, {"<a>>", 2}, {"<", 3}, {"<a>", 4}, {"", 5}, {"b", 6}});
    const auto find = [&](std::string_view text, std::size_t from = 0) {
        const SpecialPieces::Match match = pieces.find(text, from);
        return std::tuple(match.at, match.length, match.token);
    };
    EXPECT_EQ(find("x<a>>"), std::tuple(1U, 4U, 2U));
    EXPECT_EQ(find("x<a>y"), std::tuple(1U, 3U, 1U));  // of equal ones the first
    EXPECT_EQ(find("<<a>"), std::tuple(0U, 1U, 3U));
    EXPECT_EQ(find("<<a>", 1), std::tuple(1U, 3U, 1U));
    EXPECT_EQ(find("<a"), std::tuple(0U, 1U, 3U));
    EXPECT_EQ(find("xyz"), std::tuple(3U, 0U, 0U));
    EXPECT_EQ(find(""), std::tuple(0U, 0U, 0U));
    EXPECT_EQ(SpecialPieces().find("abc", 0).length, 0U);
}

}  // namespace
}  // namespace cairn::text
