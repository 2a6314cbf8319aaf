// Proves that each rule cuts text where its regular expression does: by hand here, and through the
// published cases in vocabulary_test.cc and tokenizer_json_test.cc.
#include "text/word_rules.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/random.h"
#include "text/word_rule_forms.h"

namespace cairn::text {
namespace {

using List = std::vector<std::string>;

List cut(WordRule rule, std::string_view text) {
    List words;
    WordCutter cutter(rule, text);
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = cutter.next();
        words.emplace_back(text.substr(at, end - at));
        at = end;
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

TEST(WordRules, JaisHalvesSpaces) {
    const auto words = [](std::string_view text) { return cut(WordRule::kJais2, text); };
    EXPECT_EQ(words("a b"), (List{"a", " b"}));
    EXPECT_EQ(words("a   b"), (List{"a", "  ", " b"}));
    EXPECT_EQ(words("a" + std::string(8, ' ') + "b"), (List{"a", "    ", "  ", " ", " b"}));
    EXPECT_EQ(words("a" + std::string(9, ' ') + "1"), (List{"a", std::string(8, ' '), " ", "1"}));
    EXPECT_EQ(words("a" + std::string(8, ' ')), (List{"a", std::string(8, ' ')}));
    EXPECT_EQ(words(std::string(1029, ' ')).front().size(), 512U);
    EXPECT_EQ(words("a \n b"), (List{"a", " \n", " b"}));
}

TEST(WordRules, DeepSeek) {
    const auto llm = [](std::string_view text) { return cut(WordRule::kDeepSeekLlm, text); };
    EXPECT_EQ(llm("Hello World, 12\n"), (List{"Hello", " World", ",", " ", "1", "2", "\n"}));
    EXPECT_EQ(llm("a\u4E2D\u6587\u3002b"), (List{"a", "\u4E2D\u6587", "\u3002", "b"}));
    EXPECT_EQ(llm("a \u05D0\u05D1 "), (List{"a", " \u05D0\u05D1", " "}));  // letters without case
    const auto coder = [](std::string_view text) { return cut(WordRule::kDeepSeekCoder, text); };
    EXPECT_EQ(coder("def f(x):\n\n  12+y"),
              (List{"def", " f", "(", "x", "):", "\n", "\n", "  ", "1", "2", "+", "y"}));
    EXPECT_EQ(coder(" \u05D0 !?"), (List{" \u05D0", " !?"}));
    const auto v3 = [](std::string_view text) { return cut(WordRule::kDeepSeek3, text); };
    EXPECT_EQ(v3("1234 x12"), (List{"123", "4", " x", "12"}));
    EXPECT_EQ(v3("a\u4E2Db\u30A2\u30A4"), (List{"a", "\u4E2D", "b", "\u30A2\u30A4"}));
    EXPECT_EQ(v3("(foo) e\u0301!\n"), (List{"(foo", ")", " e\u0301", "!\n"}));
    EXPECT_EQ(v3("\x01\x02 a"), (List{"\x01\x02", " a"}));  // what nothing matches
    EXPECT_EQ(cut(WordRule::kSpark, "12 !\n\n a"), (List{"1", "2", " !", "\n", "\n", " a"}));
    EXPECT_EQ(cut(WordRule::kAfmoe, "1234567 \u0E01\u0E41 a"),
              (List{"1", "234", "567", " \u0E01", "\u0E41", " a"}));
}

TEST(WordRules, Falcon) {
    EXPECT_EQ(cut(WordRule::kFalcon, "a `b` 12345, it's"),
              (List{"a", " ", "`", "b", "`", " ", "123", "45", ",", " it", "'", "s"}));
    EXPECT_EQ(cut(WordRule::kPunctuated, "a `b 12345+"),
              (List{"a", " `", "b", " ", "123", "45", "+"}));
}

TEST(WordRules, WordsWithCase) {
    const auto words = [](std::string_view text) { return cut(WordRule::kGpt4o, text); };
    EXPECT_EQ(words("HelloWorld ABCdef"), (List{"Hello", "World", " ABCdef"}));
    EXPECT_EQ(words("HTML it's IT'S"), (List{"HTML", " it's", " IT'S"}));
    EXPECT_EQ(words("AB\u4E2DCD!"), (List{"AB\u4E2D", "CD", "!"}));  // a letter without case ends
    EXPECT_EQ(words("e\u0301x \u0301A"), (List{"e\u0301x", " \u0301", "A"}));
    EXPECT_EQ(words("1234 a//\n/b"), (List{"123", "4", " a", "//\n/", "b"}));
    EXPECT_EQ(cut(WordRule::kTekken, "it's 12//b"), (List{"it", "'s", " ", "1", "2", "//", "b"}));
    EXPECT_EQ(cut(WordRule::kKimi, "a\u4E2D\u6587b//\n/c 1234"),
              (List{"a", "\u4E2D\u6587", "b", "//\n", "/c", " ", "123", "4"}));
    EXPECT_EQ(cut(WordRule::kYoutu, "a\u4E2D\uAC00\uFF0C12"),
              (List{"a", "\u4E2D", "\uAC00", "\uFF0C", "1", "2"}));
    EXPECT_EQ(cut(WordRule::kTinyAya, "1234567 12345a"),
              (List{"1", "234", "567", " ", "123", "45", "a"}));
    // What ends a word is what Oniguruma says.
    EXPECT_EQ(cut(WordRule::kTinyAya, "1234\u00BD"), (List{"123", "4\u00BD"}));
    EXPECT_EQ(cut(WordRule::kTinyAya, "1234\u2153"), (List{"1", "234", "\u2153"}));
    EXPECT_EQ(cut(WordRule::kTinyAya, "1234\u200D"), (List{"1", "234", "\u200D"}));
}

TEST(WordRules, RelativesOfQwen2) {
    EXPECT_EQ(cut(WordRule::kQwen35, "e\u0301a \u0301 it's 12"),
              (List{"e\u0301a", " \u0301", " it", "'s", " ", "1", "2"}));
    EXPECT_EQ(cut(WordRule::kSeedCoder, "a !?\n b"), (List{"a", " !?", "\n", " b"}));
    EXPECT_EQ(cut(WordRule::kUfakzeka, "it's"), (List{"it", "'s"}));
    EXPECT_EQ(cut(WordRule::kUfakzeka, "x 'll\u0131"), (List{"x", " '", "ll\u0131"}));
    EXPECT_EQ(cut(WordRule::kUfakzeka, "Ankara'da"), (List{"Ankara", "'da"}));
    EXPECT_EQ(cut(WordRule::kLaguna, "a !\n\n b"), (List{"a", " !", "\n\n", " b"}));
    EXPECT_EQ(cut(WordRule::kExaoneMoe, "one two  three 12/\n/x"),
              (List{"one two", " ", " three", " ", "1", "2", "/\n", "/x"}));
    EXPECT_EQ(cut(WordRule::kMiniCpm5, "a  1234!"), (List{"a", "  ", "123", "4", "!"}));
}

TEST(WordRules, FewBorders) {
    EXPECT_EQ(cut(WordRule::kBloom, "a b, (c)  d12"), (List{"a", " b", ", (", "c", ") ", " d12"}));
    EXPECT_EQ(cut(WordRule::kViking, "ab12 c"), (List{"ab", "1", "2", " c"}));
    EXPECT_EQ(cut(WordRule::kSuperBpe, "in the 12345678 a 123"),
              (List{"in the ", "12", "345", "678", " a ", "123"}));
    EXPECT_EQ(cut(WordRule::kSuperBpe, "12\u00BD345"), (List{"12\u00BD", "345"}));
    EXPECT_EQ(
        cut(WordRule::kChameleon, "<sentinel:12>IMGIMGABZ\t     a.b"),
        (List{"<", "sentinel", ":", "1", "2", ">", "IMGIMGABZ", "\t", "    ", " a", ".", "b"}));
}

// A number is counted once, however long: ten million digits in threes would take hours otherwise.
TEST(WordRules, LongNumbersAreCutInTime) {
    const std::string digits(1'000'001, '7');
    for (const WordRule rule : {WordRule::kSuperBpe, WordRule::kTinyAya, WordRule::kAfmoe}) {
        const List words = cut(rule, digits);
        EXPECT_EQ(words.size(), 333'334U);
        EXPECT_EQ(words.front().size(), 2U);
    }
    EXPECT_EQ(cut(WordRule::kTinyAya, digits + "a").front().size(), 3U);
}

TEST(WordRules, HaveAFormInTokenizerJson) {
    for (std::uint8_t i = 0; i < kWordRules; ++i) {
        const auto rule = static_cast<WordRule>(i);
        EXPECT_EQ(word_rule_of_steps(steps_of_word_rule(rule)), rule) << int{i};
    }
    EXPECT_EQ(word_rule_of_steps({}), std::nullopt);
    auto steps = steps_of_word_rule(WordRule::kLlama3);
    steps[0]["behavior"] = "Removed";
    EXPECT_EQ(word_rule_of_steps(steps), std::nullopt);
    // Of an expression that matches everywhere nothing is removed.
    steps[0]["invert"] = true;
    EXPECT_EQ(word_rule_of_steps(steps), WordRule::kLlama3);
    auto bloom = steps_of_word_rule(WordRule::kBloom);
    bloom[0]["behavior"] = "Removed";
    bloom[0]["invert"] = true;
    EXPECT_EQ(word_rule_of_steps(bloom), std::nullopt);
}

}  // namespace
}  // namespace cairn::text
