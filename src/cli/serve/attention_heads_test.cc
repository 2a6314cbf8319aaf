// Proves that heads and shares are what people write, and that other words, and heads that are not
// there, are refused in words.
#include "cli/serve/attention_heads.h"

#include <gtest/gtest.h>

#include <set>

namespace cairn::cli {
namespace {

using Heads = std::vector<audit::HeadPlace>;

struct AttentionHeads : ::testing::Test {
    Result<Heads> of(const std::string& words) {
        return heads_of("--heads", words, {2, 4}, 3, random);
    }
    SeededRandom random{1};
};

TEST_F(AttentionHeads, AreAllNamedOrDrawn) {
    EXPECT_EQ(of("all").value(), (Heads{{2, 0}, {2, 1}, {2, 2}, {3, 0}, {3, 1}, {3, 2}}));
    EXPECT_EQ(of("3:1,2:0,3:1").value(), (Heads{{2, 0}, {3, 1}}));
    std::set<Heads> drawn;
    for (int i = 0; i < 50; ++i) {
        const Heads two = of("2").value();
        ASSERT_EQ(two.size(), 2U);
        EXPECT_LT(two[0], two[1]);
        drawn.insert(two);
    }
    EXPECT_GT(drawn.size(), 8U);  // of 15
    EXPECT_EQ(of("1000").value(), of("all").value());
}

TEST_F(AttentionHeads, OtherWordsAreRefused) {
    for (const char* words : {"", "0", "-1", "2:", ":1", "2:0,", "2:0 ", "2:0;3:1", "many", "2:0:1",
                              "4294967298:0", "99999999999999999999"}) {
        const auto none = of(words);
        ASSERT_FALSE(none.ok()) << words;
        EXPECT_EQ(none.error().code, ErrorCode::kMisused) << words;
        EXPECT_NE(none.error().message.find("--heads is all, a number of heads"), std::string::npos)
            << none.error().message;
    }
    for (const char* words : {"4:0", "1:0", "2:3", "2:0,3:7"}) {
        const auto none = of(words);
        ASSERT_FALSE(none.ok()) << words;
        EXPECT_NE(none.error().message.find("there is no head"), std::string::npos);
    }
}

TEST(AttentionShares, AreCountedFromOne) {
    EXPECT_EQ(parse_share("1/1").value().share, 0U);
    EXPECT_EQ(parse_share("2/4").value().share, 1U);
    EXPECT_EQ(parse_share("2/4").value().shares, 4U);
    for (const char* words :
         {"", "1", "0/2", "3/2", "1/0", "1/4097", "-1/2", "1/2/3", " 1/2", "1/"})
        EXPECT_FALSE(parse_share(words).ok()) << words;
}

}  // namespace
}  // namespace cairn::cli
