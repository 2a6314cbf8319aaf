// Proves that each rule cuts text where its regular expression does: by hand here, and through the
// published cases in vocabulary_test.cc and tokenizer_json_test.cc.
#include "model/text/word_rules.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/random.h"

namespace cairn::model {
namespace {

using List = std::vector<std::string>;

List cut(WordRule rule, std::string_view text) {
    List words;
    while (!text.empty()) {
        const std::size_t length = scanner_of(rule)(text);
        words.emplace_back(text.substr(0, length));
        text.remove_prefix(length);
    }
    return words;
}

TEST(WordRules, Gpt2) {
    const auto words = [](std::string_view text) { return cut(WordRule::kGpt2, text); };
    EXPECT_EQ(words("Hello, world  123!?"), (List{"Hello", ",", " world", " ", " 123", "!?"}));
    EXPECT_EQ(words("it's I'll 'tis IT'S"),
              (List{"it", "'s", " I", "'ll", " '", "tis", " IT", "'", "S"}));
    EXPECT_EQ(words("'tis"), (List{"'t", "is"}));  // at the start a contraction comes first
    EXPECT_EQ(words("a\n\n b\n"), (List{"a", "\n\n", " b", "\n"}));
    EXPECT_EQ(words(" \t x"), (List{" \t", " x"}));
    EXPECT_EQ(words("   "), (List{"   "}));
    EXPECT_EQ(words("\u00E9t\u00E9 \u4E2D\u6587\u3002"),
              (List{"\u00E9t\u00E9", " \u4E2D\u6587", "\u3002"}));
    EXPECT_EQ(words("a\u00A0b"), (List{"a", "\u00A0", "b"}));  // a space, but not a blank
    EXPECT_EQ(words("e\u0301"), (List{"e", "\u0301"}));        // a mark is no letter
}

TEST(WordRules, Llama3AndQwen2) {
    const auto words = [](std::string_view text) { return cut(WordRule::kLlama3, text); };
    EXPECT_EQ(words("1234567 x12"), (List{"123", "456", "7", " x", "12"}));
    EXPECT_EQ(cut(WordRule::kQwen2, "123 45"), (List{"1", "2", "3", " ", "4", "5"}));
    EXPECT_EQ(words("IT'S it'LL (hello)"), (List{"IT", "'S", " it", "'LL", " (", "hello", ")"}));
    EXPECT_EQ(words("x'\u017F"), (List{"x", "'\u017F"}));  // long s is an s without case
    EXPECT_EQ(words("foo(bar);\n\n  baz"), (List{"foo", "(bar", ");\n\n", " ", " baz"}));
    EXPECT_EQ(words("a  \n \n  b"), (List{"a", "  \n \n", " ", " b"}));
    EXPECT_EQ(words("\tx\ry"), (List{"\tx", "\r", "y"}));
    EXPECT_EQ(words(" !?\r\n"), (List{" !?\r\n"}));
    EXPECT_EQ(words("a  "), (List{"a", "  "}));
}

TEST(WordRules, DigitsStandAlone) {
    const auto words = [](std::string_view text) { return cut(WordRule::kDigits, text); };
    EXPECT_EQ(words("a 12  3b"), (List{"a", " ", "1", "2", "  ", "3", "b"}));
    EXPECT_EQ(words("x's  y"), (List{"x", "'s", " ", " y"}));
}

TEST(WordRules, CutAnyBytesWithoutLoss) {
    SeededRandom random(11);
    for (int round = 0; round < 400; ++round) {
        Bytes bytes(1 + random.below(60));
        random.fill(bytes);
        if (round % 2 == 0)
            for (auto& byte : bytes)
                byte = static_cast<std::uint8_t>("' \n\rs1a!\xC3\xA9"[byte % 10]);
        const std::string text(as_text(bytes));
        for (std::uint8_t rule = 0; rule < kWordRules; ++rule) {
            std::string joined;
            for (const std::string& word : cut(static_cast<WordRule>(rule), text)) {
                ASSERT_FALSE(word.empty());
                joined += word;
            }
            ASSERT_EQ(joined, text);
        }
    }
}

TEST(WordRules, AreNamed) {
    for (std::uint8_t i = 0; i < kWordRules; ++i) {
        const auto rule = static_cast<WordRule>(i);
        EXPECT_EQ(word_rule_named(word_rule_name(rule)), rule);
        if (rule == WordRule::kDigits) continue;
        EXPECT_EQ(word_rule_of_pattern(word_rule_pattern(rule)), rule);
    }
    EXPECT_EQ(word_rule_named("of-tomorrow"), std::nullopt);
    EXPECT_EQ(word_rule_of_pattern(""), std::nullopt);
}

}  // namespace
}  // namespace cairn::model
