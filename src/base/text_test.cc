// Proves that numbers are read or refused by name, that mistyped words find the one that was meant,
// and that nothing which acts on a terminal is left in what is shown.
#include "base/text.h"

#include <gtest/gtest.h>

#include "base/shell_word.h"

namespace cairn {
namespace {

TEST(Text, WholeNumbersAreDigitsAndNothingElse) {
    EXPECT_EQ(*parse_whole("0", "--steps"), 0u);
    EXPECT_EQ(*parse_whole("18446744073709551615", "--steps"), ~std::uint64_t{0});
    for (const char* bad : {"", " ", "-1", "+1", "1 ", " 1", "0x10", "1e3", "1.0", "nan", "1\n"}) {
        const auto number = parse_whole(bad, "--steps");
        ASSERT_FALSE(number.ok()) << bad;
        EXPECT_TRUE(number.error().message.starts_with("--steps ")) << number.error().message;
    }
    EXPECT_EQ(parse_whole("18446744073709551616", "--steps").error().message,
              "--steps is too large: 18446744073709551616");
}

TEST(Text, RealNumbersAreFinite) {
    EXPECT_EQ(*parse_real("-0.5", "--rate"), -0.5);
    EXPECT_EQ(*parse_real("1e-4", "--rate"), 1e-4);
    for (const char* bad : {"", "nan", "NaN", "-nan", "inf", "-inf", "1e999", "0x1p3", "1,5", "1 "})
        EXPECT_FALSE(parse_real(bad, "--rate").ok()) << bad;
}

TEST(Text, AMistypedWordFindsTheOneThatWasMeant) {
    const std::vector<std::string> known = {"generate", "train", "eval", "chain", "chat"};
    EXPECT_EQ(nearest_word("generat", known), "generate");
    EXPECT_EQ(nearest_word("tarin", known), "train");
    EXPECT_EQ(nearest_word("evla", known), "eval");
    EXPECT_EQ(nearest_word("completely", known), std::nullopt);
    EXPECT_EQ(nearest_word("", known), std::nullopt);
    EXPECT_EQ(nearest_word(std::string(1000, 'x'), known), std::nullopt);
}

TEST(Text, NothingThatActsOnATerminalIsShown) {
    EXPECT_EQ(printable("plain\ttext\n"), "plain\ttext\n");
    EXPECT_EQ(printable("gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80"),
              "gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80");
    const std::string bad = "\xEF\xBF\xBD";
    EXPECT_EQ(printable("a\x1b[31mb"), "a" + bad + "[31mb");
    EXPECT_EQ(printable("a\rb\bc\x7F"), "a" + bad + "b" + bad + "c" + bad);
    EXPECT_EQ(printable(std::string_view("a\0b", 3)), "a" + bad + "b");
    EXPECT_EQ(printable("\xC2\x9B"
                        "31m"),
              bad + "31m")
        << "CSI of eight bits";
    EXPECT_EQ(printable("\xE2\x80\xAE"
                        "abc"),
              bad + "abc")
        << "right-to-left override";
    EXPECT_EQ(printable("\x9B\xFF\xC3"), bad + bad + bad) << "bytes that are no UTF-8";
    EXPECT_EQ(printable("\xC0\x9B"), bad + bad) << "a second spelling of ESC's kin";
    EXPECT_EQ(printable("\xE0\x80\x9B"), bad) << "a second spelling in three bytes";
    EXPECT_EQ(printable("\xED\xA0\x80"), bad) << "a surrogate";
    EXPECT_EQ(printable_line("a\nb\tc"), "a b c");
}

TEST(Text, PiecesMayEndInsideACharacter) {
    const std::string text = "\xE2\x82\xAC\x1b\xC2\x9B\xF0\x9F\x98\x80!";
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        PrintableStream stream;
        std::string shown = stream.next(std::string_view(text).substr(0, cut));
        shown += stream.next(std::string_view(text).substr(cut));
        EXPECT_EQ(shown + stream.rest(), printable(text)) << cut;
    }
    PrintableStream stream;
    EXPECT_EQ(stream.next("a\xE2\x82"), "a");
    EXPECT_EQ(stream.rest(), "\xEF\xBF\xBD");
}

TEST(Text, TheFirstByteThatIsNotUtf8IsFound) {
    for (const std::string_view whole : {"", "abc", "caf\xC3\xA9", "\xE2\x82\xAC\xF0\x9F\x98\x80"})
        EXPECT_EQ(valid_utf8_length(whole), whole.size()) << whole;
    for (const std::string& bad :
         std::vector<std::string>{"\xE9", "\x80", "\xC0\x80", "\xE0\x80\x9B", "\xED\xA0\x80",
                                  "\xE2\x82", "\xE2\x82 ", "\xF5\x80\x80\x80", "\xF4\x90\x80\x80"})
        for (std::size_t before = 0; before < 20; ++before)
            for (const char* after : {"", "abcdefghij"})
                EXPECT_EQ(valid_utf8_length(std::string(before, 'a') + bad + after), before);
}

TEST(ShellWord, IsOneWordToAShell) {
    EXPECT_EQ(shell_word("/home/a/.cairn"), "/home/a/.cairn");
    EXPECT_EQ(shell_word("/home/a/my guild"), "'/home/a/my guild'");
    EXPECT_EQ(shell_word("it's"), "'it'\\''s'");
    EXPECT_EQ(shell_word("~"), "'~'");
    EXPECT_EQ(shell_word(""), "''");
}

}  // namespace
}  // namespace cairn
