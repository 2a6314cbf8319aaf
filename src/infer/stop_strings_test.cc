// Proves that a text ends before the first stop string wherever tokens cut it, that nothing of a
// stop string is ever shown, and that nothing else is lost.
#include "infer/stop_strings.h"

#include <gtest/gtest.h>

namespace cairn::infer {
namespace {

// All of what is shown, the text given in pieces of the given size.
std::string shown(const std::vector<std::string>& stops, const std::string& text,
                  std::size_t piece) {
    StopStrings stop = StopStrings::create(stops).value();
    std::string out;
    for (std::size_t at = 0; at < text.size() && !stop.stopped(); at += piece) {
        out += stop.push(text.substr(at, piece));
        for (const std::string& s : stops) EXPECT_EQ(out.find(s), std::string::npos);
    }
    return out + (stop.stopped() ? "" : stop.finish());
}

TEST(StopStrings, EndWhereTheFirstOneBeginsHoweverTheTextIsCut) {
    for (std::size_t piece = 1; piece < 20; ++piece) {
        EXPECT_EQ(shown({"END"}, "one EN ENEND two", piece), "one EN EN");
        EXPECT_EQ(shown({"\n\n", "User:"}, "Hi.\nUse: User: x", piece), "Hi.\nUse: ");
        EXPECT_EQ(shown({"aab"}, "aaaab", piece), "aa");
        EXPECT_EQ(shown({"abcd", "bc"}, "xabcd", piece), "xa");
        EXPECT_EQ(shown({"END"}, "no stop here EN", piece), "no stop here EN");
        EXPECT_EQ(shown({}, "as it is", piece), "as it is");
    }
}

TEST(StopStrings, HoldBackOnlyWhatCouldStillStop) {
    StopStrings stop = StopStrings::create({"STOP"}).value();
    EXPECT_EQ(stop.push("a ST"), "a ");
    EXPECT_EQ(stop.push("O"), "");
    EXPECT_EQ(stop.push("RE"), "STORE");
    EXPECT_EQ(stop.push("STOP and more"), "");
    EXPECT_TRUE(stop.stopped());
    EXPECT_EQ(stop.push("later"), "");
}

TEST(StopStrings, RefuseWhatHasNoMeaning) {
    EXPECT_FALSE(StopStrings::create({""}).ok());
    EXPECT_FALSE(StopStrings::create({std::string(StopStrings::kMaxBytes + 1, 'x')}).ok());
    EXPECT_FALSE(
        StopStrings::create(std::vector<std::string>(StopStrings::kMaxStrings + 1, "x")).ok());
}

}  // namespace
}  // namespace cairn::infer
