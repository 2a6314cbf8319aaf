// JSON that nests too deep is refused before anything walks through it; brackets in strings and
// many short lists are not depth.
#include "base/json_depth.h"

#include <gtest/gtest.h>

namespace cairn {
namespace {

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(JsonDepth, OnlyWhatLiesWithinOneAnotherCounts) {
    EXPECT_TRUE(check_json_depth(nested(kMaxJsonDepth), "a.json").ok());
    EXPECT_EQ(check_json_depth(nested(kMaxJsonDepth + 1), "a.json").error().message,
              "a.json nests its lists and objects more than 100 deep");
    std::string flat = "[";
    for (int i = 0; i < 1000; ++i) flat += R"({"a": []},)";
    EXPECT_TRUE(check_json_depth(flat, "a.json").ok());
    EXPECT_TRUE(check_json_depth("\"" + nested(1000) + "\"", "a.json").ok());
    EXPECT_TRUE(check_json_depth("\"\\\"" + nested(1000) + "\"", "a.json").ok());
    EXPECT_FALSE(check_json_depth("\"\\\\\"" + nested(1000), "a.json").ok());
}

TEST(JsonDepth, TextThatIsNoJsonIsReadToItsEnd) {
    for (const char* text : {"", "]]]}", "\"", "\"\\", "{\"a"})
        EXPECT_TRUE(check_json_depth(text, "a.json").ok()) << text;
}

}  // namespace
}  // namespace cairn
