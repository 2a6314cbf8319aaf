// parse_strict_json: reads what is JSON in time that grows with its length, and refuses a key that
// stands twice in one object.
#include "formats/strict_json.h"

#include <ctime>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace cairn::formats {
namespace {

std::string problem_of(const std::string& text) {
    const auto json = parse_strict_json(text, "it");
    return json.ok() ? "" : json.error().message;
}

// A key may stand once in each object, wherever the object stands.
TEST(StrictJson, AKeyThatIsThereTwiceIsRefused) {
    EXPECT_EQ(problem_of(R"({"a":1,"a":2})"), "it has a twice");
    EXPECT_EQ(problem_of(R"({"a":[{"b":1},{"c":1,"b":2,"b":3}]})"), "it has b twice");
    EXPECT_EQ(problem_of(R"({"a":{"a":1},"b":[{"a":1},{"a":2}]})"), "");
    // Behind an inner object the keys are the outer one's again.
    EXPECT_EQ(problem_of(R"({"a":{"b":1},"b":2})"), "");
    EXPECT_EQ(problem_of(R"({"a":{"b":1},"a":2})"), "it has a twice");
}

// What is wrong as JSON is said before what stands twice.
TEST(StrictJson, WhatIsNoJsonIsRefused) {
    EXPECT_EQ(problem_of(R"({"a":1,"a":NaN})"), "it is not JSON from byte 12 on; is it whole?");
    EXPECT_EQ(problem_of(R"({"a":1e999})"), "it has a number that is too large");
    EXPECT_EQ(problem_of("[1]"), "it is not a JSON object");
    EXPECT_EQ(problem_of(""), "it is not JSON from byte 1 on; is it whole?");
    for (const char* half : {R"({"a":"\ud83d"})", R"({"a":"\ude00x"})", R"({"a":"\ud83d\u0041"})"})
        EXPECT_NE(problem_of(half).find("has half a character in a text"), std::string::npos)
            << problem_of(half);
}

// Whoever says how many parts there may be gets no more, and texts and numbers are none.
TEST(StrictJson, PartsAreBounded) {
    const std::string text = R"({"a":[[1,2,3,"x"],{"b":2}]})";  // 2 objects, 2 lists, 2 keys
    EXPECT_TRUE(parse_strict_json(text, "it", 6).ok());
    EXPECT_EQ(parse_strict_json(text, "it", 5).error().message,
              "it has more than 5 objects, lists and keys");
    EXPECT_TRUE(parse_strict_json(text, "it").ok());
}

// A list of many objects takes no longer than a text of that length should: nothing looks through
// the list again for each of them.
TEST(StrictJson, AListOfManyObjectsIsReadOnce) {
    std::string text = "{\"a\":[{}";
    for (int i = 0; i < 200'000; ++i) text += ",{}";
    text += "]}";
    const std::clock_t began = std::clock();
    EXPECT_EQ(problem_of(text), "");
    // Milliseconds of the processor; looking through the list for each object takes half a minute
    // and more.
    EXPECT_LT(std::clock() - began, 5 * CLOCKS_PER_SEC);
}

}  // namespace
}  // namespace cairn::formats
