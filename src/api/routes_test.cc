// Proves that what takes long to answer keeps neither the loop nor others' requests waiting: it is
// written beside the loop, one answer after another, and beyond a bound it is refused.
#include "api/routes.h"

#include <gtest/gtest.h>

#include "api/fake_node.h"
#include "api/protocol.h"
#include "base/test_loop.h"

namespace cairn::api {
namespace {

struct Routes : ::testing::Test {
    ManualClock clock;
    TestLoop loop{clock};
    FakeNode node;
    std::shared_ptr<ApiContext> context = std::make_shared<ApiContext>();
    std::vector<http::Response> answers;

    Routes() {
        context->node = &node;
        context->loop = &loop;
    }
    void ask(const std::string& target) {
        http::Request request;
        request.method = "GET";
        request.host = "localhost";
        ASSERT_TRUE(http::parse_target(target, request).ok());
        route(context, request,
              [this](http::Response response) { answers.push_back(std::move(response)); });
    }
    const std::string key = to_hex(fake_hash("contributor 1"));
    const std::vector<std::string> kLong = {
        std::string(kBlocksPath) + "?from=8", std::string(kExplainPath) + "?id=" + key,
        std::string(kExplainPath) + "?height=4", std::string(kCoinsPath) + "?key=" + key};
};

TEST_F(Routes, LongAnswersAreMadeBesideTheLoopInTurn) {
    for (const std::string& target : kLong) ask(target);
    EXPECT_TRUE(answers.empty()) << "nothing was written on the loop";
    EXPECT_EQ(loop.jobs(Lane::kRead), 1U) << "bodies for peers wait for one of them at most";
    ask(kStatusPath);
    ask("/healthz");
    ASSERT_EQ(answers.size(), 2U) << "what is at hand is answered meanwhile";
    for (std::size_t done = 3; done <= 6; ++done) {
        loop.finish(Lane::kRead);
        EXPECT_EQ(answers.size(), done);
        EXPECT_LE(loop.jobs(Lane::kRead), 1U);
    }
    for (const http::Response& answer : answers) EXPECT_EQ(answer.status, 200U) << answer.body;
    EXPECT_NE(answers[2].body.find("\"height\":8"), std::string::npos);
}

TEST_F(Routes, MoreThanMayWaitAreToldToComeBack) {
    for (std::size_t i = 0; i < kMaxWaitingRequests + 10; ++i) ask(kLong[i % kLong.size()]);
    ASSERT_EQ(answers.size(), 9U) << "one has its turn";
    for (const http::Response& answer : answers) {
        EXPECT_EQ(answer.status, 503U);
        EXPECT_GT(answer.retry_after_s, 0U);
    }
    ask(kStatusPath);
    EXPECT_EQ(answers.back().status, 200U);
    loop.run();
    EXPECT_EQ(answers.size(), kMaxWaitingRequests + 11) << "all others were answered";
    EXPECT_EQ(answers.back().status, 200U);
    ask(kLong[0]);
    loop.run();
    EXPECT_EQ(answers.back().status, 200U) << "and it goes on";
}

TEST_F(Routes, ARefusedQuestionDoesNotHoldTheTurn) {
    ask(std::string(kExplainPath) + "?height=5");  // no merge block
    ask(std::string(kBlocksPath) + "?from=x");
    ask(kLong[0]);
    loop.run();
    ASSERT_EQ(answers.size(), 3U);
    EXPECT_EQ(answers[0].status, 400U);
    EXPECT_EQ(answers[1].status, 404U);
    EXPECT_EQ(answers[2].status, 200U);
}

TEST_F(Routes, WhatWaitsWhenTheNodeGoesIsToldSo) {
    for (const std::string& target : kLong) ask(target);
    context->node = nullptr;
    loop.run();
    ASSERT_EQ(answers.size(), kLong.size());
    EXPECT_EQ(answers[0].status, 200U) << "was found before";
    for (std::size_t i = 1; i < answers.size(); ++i) EXPECT_EQ(answers[i].status, 503U);
}

}  // namespace
}  // namespace cairn::api
