// Proves that bech32m is BIP350's, by its published valid and invalid strings, and that any
// mistyped character is noticed.
#include "wallet/bech32m.h"

#include <gtest/gtest.h>

namespace cairn::wallet {
namespace {

TEST(Bech32mTest, PublishedValidStrings) {
    for (const char* text :
         {"A1LQFN3A", "a1lqfn3a",
          "an83characterlonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11sg7"
          "hg6",
          "abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx",
          "11lllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllud"
          "sr8",
          "split1checkupstagehandshakeupstreamerranterredcaperredlc445v", "?1v759aa"}) {
        const auto content = decode_bech32m(text);
        ASSERT_TRUE(content.ok()) << text << ": " << content.error().message;
        std::string lower(text);
        for (char& c : lower) c = static_cast<char>(std::tolower(c));
        EXPECT_EQ(encode_bech32m(*content), lower);
    }
}

TEST(Bech32mTest, PublishedInvalidStrings) {
    for (const char* text :
         {"\x20"
          "1xj0phk",
          "\x7F"
          "1g6xzxy",
          "\x80"
          "1vctc34",
          "an84characterslonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11d6"
          "pts4",
          "qyrz8wqd2c9m", "1qyrz8wqd2c9m", "y1b0jsk6g", "lt1igcx5c0", "in1muywd", "mm1crxm3i",
          "au1s5cgom", "M1VUXWEZ", "16plkw9", "1p2gdwpf", "", "1", "a1"})
        EXPECT_FALSE(decode_bech32m(text).ok()) << text;
    EXPECT_FALSE(decode_bech32m("A1lqfn3a").ok()) << "mixed case";
    EXPECT_FALSE(decode_bech32m("a12uel5l").ok()) << "bech32, not bech32m";
    // Beyond 90 characters the checksum no longer finds every four errors.
    EXPECT_TRUE(decode_bech32m("a1" + std::string(82, 'q') + "jzxrd0").ok());
    EXPECT_FALSE(decode_bech32m("a1" + std::string(83, 'q') + "2ng5gx").ok());
}

TEST(Bech32mTest, EveryMistypedCharacterIsNoticed) {
    const std::string good = "abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx";
    for (std::size_t i = 0; i < good.size(); ++i) {
        for (const char c : std::string("qpzry9x8gf2tvdw0s3jn54khce6mua7l1b")) {
            if (c == good[i]) continue;
            std::string typo = good;
            typo[i] = c;
            EXPECT_FALSE(decode_bech32m(typo).ok()) << typo;
        }
    }
}

}  // namespace
}  // namespace cairn::wallet
