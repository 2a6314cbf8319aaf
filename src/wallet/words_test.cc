// Proves that words and seeds are BIP39's, and that a mistyped word is found and named.
#include "wallet/words.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/test_data.h"
#include "wallet/extended_key.h"
#include "wallet/word_list.h"

namespace cairn::wallet {
namespace {

using Json = nlohmann::json;

std::string why(std::string_view words) {
    const auto entropy = entropy_of(words);
    return entropy.ok() ? "" : entropy.error().message;
}

TEST(Words, PinnedVectors) {
    EXPECT_EQ(kWordList.front(), "abandon");
    EXPECT_EQ(kWordList.back(), "zoo");
    EXPECT_TRUE(std::ranges::is_sorted(kWordList));
    const Bytes entropy(16, 0x7f);
    const std::string words =
        "legal winner thank year wave sausage worth useful legal winner thank yellow";
    EXPECT_EQ(words_of(entropy), words);
    EXPECT_EQ(entropy_of(words)->bytes, entropy);
    EXPECT_EQ(entropy_of("  Legal WINNER\tthank year wave\nsausage worth useful legal winner thank "
                         "yellow\r\n")
                  ->bytes,
              entropy);
    EXPECT_EQ(
        to_hex(seed_of(words, "TREZOR")->view()),
        "2e8905819b8723fe2c1d161860e5ee1830318dbf49a83bd451cfb8440c28bd6fa457fe1296106559a3c809"
        "37a1c1069be3a3a5bd381ee6260e8d9739fce1f607");
    EXPECT_NE(seed_of(words, "")->bytes, seed_of(words, "TREZOR")->bytes);
}

TEST(Words, OneSpellingOfAPassphrase) {
    // An a with a ring as one character, and as two: the same after NFKD.
    EXPECT_EQ(seed_of("x", "\xC3\xA5")->bytes, seed_of("x", "a\xCC\x8A")->bytes);
    EXPECT_NE(seed_of("x", "\xC3\xA5")->bytes, seed_of("x", "a")->bytes);
    EXPECT_FALSE(seed_of("x", "\xC3").ok()) << "no UTF-8";
}

TEST(Words, ThereAndBackForEveryLength) {
    SeededRandom random(9);
    for (const std::size_t count : {12u, 15u, 18u, 21u, 24u}) {
        for (int i = 0; i < 20; ++i) {
            const auto entropy = new_entropy(count, random);
            EXPECT_EQ(entropy_of(words_of(entropy.view()))->bytes, entropy.bytes);
        }
    }
    for (const std::size_t count : {0u, 9u, 11u, 13u, 27u}) EXPECT_FALSE(is_word_count(count));
}

TEST(Words, OnPaperTheyHaveNumbersAndAreReadWithThem) {
    const std::string words =
        "legal winner thank year wave sausage worth useful legal winner thank yellow";
    EXPECT_EQ(on_paper(words),
              "   1 legal        2 winner       3 thank        4 year\n"
              "   5 wave         6 sausage      7 worth        8 useful\n"
              "   9 legal       10 winner      11 thank       12 yellow\n");
    const auto entropy = entropy_of(words);
    ASSERT_TRUE(entropy.ok());
    EXPECT_EQ(entropy_of(on_paper(words))->bytes, entropy->bytes);
    EXPECT_EQ(entropy_of("1. legal 2. winner 3)thank 4: year wave\n 6.sausage 7 worth useful legal "
                         "winner thank yellow")
                  ->bytes,
              entropy->bytes);
    EXPECT_NE(why("1 legal 2 winner").find("2 words"), std::string::npos);
}

TEST(Words, MistakesAreNamed) {
    const std::string good =
        "abandon abandon abandon abandon abandon abandon abandon abandon "
        "abandon abandon abandon about";
    EXPECT_EQ(why(good), "");
    EXPECT_EQ(why("abandon abandno abandon"),
              "word 2, 'abandno', is none of the 2048 words; the nearest is 'abandon'");
    EXPECT_EQ(why("legal winner thnak year"),
              "word 3, 'thnak', is none of the 2048 words; the nearest is 'thank'");
    EXPECT_EQ(why("abandon qqqqqqqq"), "word 2, 'qqqqqqqq', is none of the 2048 words");
    EXPECT_EQ(why("abandon ab\x1b[31mandon").find('\x1b'), std::string::npos)
        << "control characters are not shown";
    EXPECT_NE(why(good + " about").find("13 words"), std::string::npos);
    EXPECT_NE(why("").find("0 words"), std::string::npos);
    EXPECT_NE(why(std::string(2'000, 'a')).find("more than 24"), std::string::npos);
    std::string other = good;
    other.replace(0, 7, "ability");
    EXPECT_NE(why(other).find("their checksum is wrong"), std::string::npos);
    std::string swapped =
        "legal winner year thank wave sausage worth useful legal winner thank "
        "yellow";
    EXPECT_NE(why(swapped).find("changed places"), std::string::npos);
}

TEST(Words, PublishedVectors) {
    const std::string text = read_test_data("vectors/bip39.json");
    if (text.empty()) GTEST_SKIP() << "no vectors: set CAIRN_TEST_DATA";
    const Json all = Json::parse(text);
    std::size_t seeds = 0;
    for (const auto& [language, vectors] : all.items())
        for (const Json& vector : vectors) {
            const std::string words = vector[1];
            if (language == "english") {
                const Bytes entropy = *from_hex(vector[0].get<std::string>());
                EXPECT_EQ(words_of(entropy), words);
                EXPECT_EQ(entropy_of(words)->bytes, entropy);
            }
            const auto seed = seed_of(words, "TREZOR");
            ASSERT_TRUE(seed.ok());
            EXPECT_EQ(to_hex(seed->view()), vector[2]) << language << ": " << words;
            EXPECT_EQ(encode_secret(master_key(seed->view()).value()), vector[3]);
            ++seeds;
        }
    EXPECT_GE(seeds, 24u) << "the file holds fewer vectors than it did";
}

}  // namespace
}  // namespace cairn::wallet
