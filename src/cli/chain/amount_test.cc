// Proves that amounts mean what is written, and that each kind of mistake is refused by its name.
#include "cli/chain/amount.h"

#include <gtest/gtest.h>

namespace cairn::cli {
namespace {

std::string why(const char* text) {
    const auto amount = parse_amount(text);
    return amount.ok() ? "" : amount.error().message;
}
bool says(const std::string& message, const std::string& what) {
    return message.find(what) != std::string::npos;
}

TEST(Amount, IsParsedAsWritten) {
    EXPECT_EQ(*parse_amount("1"), 100'000'000u);
    EXPECT_EQ(*parse_amount("0.00000001"), 1u);
    EXPECT_EQ(*parse_amount(".5"), 50'000'000u);
    EXPECT_EQ(*parse_amount("12.34"), 1'234'000'000u);
    EXPECT_EQ(*parse_amount("0"), 0u) << "a fee may be nothing";
    EXPECT_TRUE(parse_amount("46116860184.27").ok());
}

TEST(Amount, EachMistakeHasItsName) {
    EXPECT_TRUE(says(why(""), "missing"));
    EXPECT_TRUE(says(parse_amount("", "a fee").error().message, "a fee is missing"));
    for (const char* text : {"-1", "-0.5", "-", "-inf"}) EXPECT_TRUE(says(why(text), "negative"));
    for (const char* text : {"nan", "NaN", "inf", "1e5", "0x1", "+1", " 1", "1 ", "1,5", "1.2.3",
                             ".", "1.", "one", "1.5coins"})
        EXPECT_TRUE(says(why(text), "no number of coins")) << text << ": " << why(text);
    EXPECT_TRUE(says(why("1.123456789"), "9 digits after the point"));
    for (const char* text : {"99999999999999", "46116860184.28", "123456789012345678901234567890"})
        EXPECT_TRUE(says(why(text), "no payment can hold")) << text;
    EXPECT_FALSE(says(why("1\x1b[31m"), "\x1b")) << "nothing that a terminal acts on";
}

TEST(Amount, ZeroAndFoolishFeesAreRefused) {
    constexpr std::uint64_t kCoin = 100'000'000;
    EXPECT_TRUE(says(check_amounts(0, 0, false).error().message, "an amount of 0"));
    EXPECT_FALSE(check_amounts(0, 0, true).ok());
    EXPECT_TRUE(check_amounts(kCoin, 0, false).ok());
    EXPECT_TRUE(check_amounts(kCoin, kCoin / 10, false).ok());
    const Status high = check_amounts(kCoin, kCoin / 10 + 1, false);
    ASSERT_FALSE(high.ok());
    EXPECT_TRUE(says(high.error().message, "0.10000001"));
    EXPECT_TRUE(says(high.error().message, "--high-fee"));
    EXPECT_TRUE(check_amounts(kCoin, 5 * kCoin, true).ok());
    EXPECT_TRUE(check_amounts(1, kCoin / 100, false).ok()) << "a small fee of a small payment";
}

}  // namespace
}  // namespace cairn::cli
