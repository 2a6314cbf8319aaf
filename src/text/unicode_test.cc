// Proves that characters, their classes and normal form C are Unicode's, and that bytes which are
// no character pass through.
#include "text/unicode.h"

#include <gtest/gtest.h>

namespace cairn::text {
namespace {

TEST(Unicode, ReadsCharacters) {
    const auto code = [](std::string_view text) { return first_character(text).code; };
    EXPECT_EQ(code("a"), U'a');
    EXPECT_EQ(code("\u00E9x"), U'\u00E9');
    EXPECT_EQ(code("\u4E2D"), U'\u4E2D');
    EXPECT_EQ(code("\U0001F642"), U'\U0001F642');
    // Overlong, a surrogate, above the last, cut short, a continuation alone.
    for (const char* text : {"\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE4\xB8", "\x80"}) {
        EXPECT_EQ(first_character(text).length, 1U);
        EXPECT_EQ(code(text), char32_t{0xFFFD});
        EXPECT_FALSE(is_valid_utf8(text));
    }
    EXPECT_TRUE(is_valid_utf8("a\u00E9\u4E2D\U0001F642\uFFFD"));
}

TEST(Unicode, KnowsClasses) {
    EXPECT_EQ(classify(U'A'), CharClass::kUpper);
    EXPECT_EQ(classify(U'\u01C5'), CharClass::kUpper);  // title case
    EXPECT_EQ(classify(U'z'), CharClass::kLower);
    EXPECT_EQ(classify(U'\u4E2D'), CharClass::kLetter);
    EXPECT_EQ(classify(U'\u0301'), CharClass::kMark);
    EXPECT_EQ(classify(char32_t{0xE0100}), CharClass::kMark);
    EXPECT_EQ(classify(U'7'), CharClass::kDigit);
    EXPECT_EQ(classify(U'\u00BD'), CharClass::kNumber);
    EXPECT_EQ(classify(U'\u2167'), CharClass::kLetterNumber);
    for (const char32_t space : {U' ', U'\t', U'\u0085', U'\u00A0', U'\u2003', U'\u3000'})
        EXPECT_EQ(classify(space), CharClass::kSpace);
    for (const char32_t other : {U'\u200B', U'\a', char32_t{0xE000}, char32_t{0x10FFFF}})
        EXPECT_EQ(classify(other), CharClass::kOther);
    for (const char32_t mark : {U'!', U'\u3002', U'('})
        EXPECT_EQ(classify(mark), CharClass::kPunctuation);
    for (const char32_t symbol : {U'+', U'\u2581', U'\U0001F642'})
        EXPECT_EQ(classify(symbol), CharClass::kSymbol);
    EXPECT_EQ(classify(U'_'), CharClass::kConnector);
}

TEST(Unicode, ComposesAndLeavesTheRest) {
    std::string storage;
    const std::string_view plain = "plain \u00E9";
    EXPECT_EQ(normalise_nfc(plain, storage).data(), plain.data());  // nothing copied
    EXPECT_EQ(normalise_nfc("xe\u0301e\u0301y", storage), "x\u00E9\u00E9y");
    EXPECT_EQ(normalise_nfc("\u1112\u1161\u11AB", storage), "\uD55C");
    EXPECT_EQ(normalise_nfc("\u212B", storage), "\u00C5");
    EXPECT_EQ(normalise_nfc("a\xE4\xB8 e\u0301", storage), "a\xE4\xB8 \u00E9");
    EXPECT_EQ(normalise_nfc("\u0301", storage), "\u0301");
}

TEST(Unicode, KnowsWordCharacters) {
    const auto word = [](std::string_view text) {
        return is_word_character(first_character(text));
    };
    for (const char* text :
         {"a", "_", "7", "\u0301", "\u4E2D", "\u2167", "\u24B6", "\u200D", "\u203F"})
        EXPECT_TRUE(word(text)) << text;
    for (const char* text : {" ", "-", "\u00BD", "\u2581", "\U0001F642", "\u200B", "\x80"})
        EXPECT_FALSE(word(text)) << text;
}

TEST(Unicode, ReadsCharactersFromTheEnd) {
    for (const char* text : {"xa", "x\u00E9", "x\u4E2D", "x\U0001F642", "x\x80", "\u00E9\x80"}) {
        const std::string_view whole(text);
        const Character last = last_character(whole);
        EXPECT_EQ(first_character(whole.substr(whole.size() - last.length)).code, last.code);
        EXPECT_EQ(last.code, last_character(whole.substr(1)).code) << text;
    }
    EXPECT_EQ(last_character("x\u4E2D").length, 3U);
    EXPECT_EQ(last_character("\u00E9\x80").length, 1U);
}

}  // namespace
}  // namespace cairn::text
