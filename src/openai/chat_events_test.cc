// Proves that a streamed answer is understood however its bytes are cut, and that whatever another
// server sends ends in a sentence.
#include "openai/chat_events.h"

#include <gtest/gtest.h>

namespace cairn::openai {
namespace {

constexpr std::string_view kStream =
    "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}],\"usage\":null}\n\n"
    "data: {\"choices\":[{\"delta\":{\"content\":\"H\xC3\xA9\"}}]}\n\n"
    ": a comment\n\n"
    "data: {\"choices\":[{\"delta\":{\"content\":\" llo\"},\"finish_reason\":null}]}\n\n"
    "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":3,"
    "\"prompt_tokens_details\":{\"cached_tokens\":4}}}\n\ndata: [DONE]\n\n";

TEST(ChatEvents, AreReadHoweverTheyAreCut) {
    for (std::size_t step = 1; step <= kStream.size(); ++step) {
        std::string shown;
        ChatEvents events([&](const std::string& piece) { shown += piece; });
        for (std::size_t at = 0; at < kStream.size(); at += step)
            events.take(kStream.substr(at, step));
        EXPECT_EQ(shown, "H\xC3\xA9 llo") << step;
        EXPECT_EQ(events.facts().text, shown);
        EXPECT_EQ(events.facts().finish_reason, "stop");
        EXPECT_EQ(events.facts().prompt_tokens, 9u);
        EXPECT_EQ(events.facts().cached_tokens, 4u);
        EXPECT_EQ(events.facts().completion_tokens, 3u);
        EXPECT_EQ(events.facts().problem, "");
    }
}

// Lines of the standard that our own server does not send, and others do.
TEST(ChatEvents, OtherServersLineEndsAndFieldsAreRead) {
    const std::string stream =
        "event: message\r\nid: 1\r\ndata:{\"choices\":[{\"delta\":{\"content\":\"hel\"}}]}\r\n\r\n"
        ": ping\r\n\r\n"
        "data: {\"choices\":\r\ndata: "
        "[{\"delta\":{\"content\":\"lo\"},\"finish_reason\":\"stop\"}]}\r\n"
        "retry: 5\r\n\r\ndata: [DONE]\r\n\r\n";
    for (std::size_t step = 1; step <= stream.size(); ++step) {
        ChatEvents events([](const std::string&) {});
        for (std::size_t at = 0; at < stream.size(); at += step)
            events.take(std::string_view(stream).substr(at, step));
        ASSERT_EQ(events.facts().text, "hello") << step;
        EXPECT_EQ(events.facts().finish_reason, "stop");
        EXPECT_EQ(events.facts().problem, "");
    }
}

TEST(ChatEvents, WhatIsNoAnswerIsAProblem) {
    const auto problem = [](const std::string& bytes) {
        ChatEvents events([](const std::string&) {});
        events.take(bytes);
        return events.facts().problem;
    };
    EXPECT_EQ(problem("data: {\"error\":{\"message\":\"a kernel failed\"}}\n\n"),
              "a kernel failed");
    EXPECT_NE(problem("data: {\n\n"), "");
    EXPECT_NE(problem("data: 5\n\n"), "");
    EXPECT_NE(problem("data: " + std::string(200, '[') + "\n\n"), "");
    EXPECT_NE(problem(std::string(2 << 20, 'x')), "");
    std::string lines;
    while (lines.size() < 2 << 20) lines += "data: " + std::string(1000, ' ') + "\n";
    EXPECT_NE(problem(lines), "");
    for (const char* odd :
         {"data: {}\n\n", "data: {\"choices\":5}\n\n", "data: {\"choices\":[5],\"usage\":[]}\n\n",
          "data: {\"choices\":[{\"delta\":[]}],\"error\":\"x\"}\n\n"})
        EXPECT_EQ(problem(odd), "") << odd;
    EXPECT_EQ(error_message("{\"error\":{\"message\":\"m\"}}"), "m");
    EXPECT_EQ(error_message("<html>"), "");
}

}  // namespace
}  // namespace cairn::openai
