// Proves that a node without peers says which addresses it tried, why each failed and what to do,
// after a moment and until it is linked, and that a node which knows nobody only notes it.
#include "node/reach_watch.h"

#include <gtest/gtest.h>

namespace cairn::node {
namespace {

class Reach : public testing::Test {
  protected:
    /// What is listed `after_ms` milliseconds later.
    const ConditionView* look(std::uint64_t after_ms) {
        now_ms_ += after_ms;
        watch_.look(place_, now_ms_, conditions_);
        return conditions_.now().empty() ? nullptr : &conditions_.now()[0];
    }

    ManualClock clock_;
    Conditions conditions_{clock_};
    ReachWatch watch_;
    ReachWatch::Place place_{0, {"a.example:1"}, 1, "guild", "127.0.0.1:9"};
    std::uint64_t now_ms_ = 1'000;
};

TEST_F(Reach, SaysWhyAfterAMomentAndUntilItIsLinked) {
    EXPECT_EQ(look(0), nullptr);
    EXPECT_EQ(look(kLonelyMs - 1), nullptr) << "a link takes a moment";
    const ConditionView* found = look(1);
    ASSERT_NE(found, nullptr);
    EXPECT_TRUE(found->trouble);
    EXPECT_NE(found->message.find("a.example:1: it does not answer"), std::string::npos);
    EXPECT_NE(found->advice.find("firewall"), std::string::npos);
    watch_.on_failed("a.example:1", {ErrorCode::kIo, "nothing listens there"});
    found = look(1'000);
    EXPECT_NE(found->message.find("a.example:1: nothing listens there"), std::string::npos);
    EXPECT_NE(found->advice.find("runs and listens"), std::string::npos);
    place_.linked = 1;
    watch_.on_linked("a.example:1");
    EXPECT_EQ(look(1'000), nullptr);
    place_.linked = 0;
    EXPECT_EQ(look(1'000), nullptr) << "a lost peer is dialled again first";
    EXPECT_NE(look(kLonelyMs), nullptr);
}

TEST_F(Reach, EachKindOfFailureHasAnAdviceOfItsOwn) {
    look(0);
    const auto advice = [&](ErrorCode code) {
        watch_.on_failed("a.example:1", {code, "x"});
        return look(kLonelyMs)->advice;
    };
    EXPECT_NE(advice(ErrorCode::kNotFound).find("check the name"), std::string::npos);
    EXPECT_NE(advice(ErrorCode::kTimeout).find("firewall"), std::string::npos);
    EXPECT_NE(advice(ErrorCode::kInvalid).find("not that of its page"), std::string::npos);
    EXPECT_NE(advice(ErrorCode::kUnsupported).find("update"), std::string::npos);
    EXPECT_NE(advice(ErrorCode::kRefused).find("guild"), std::string::npos);
}

TEST_F(Reach, WhatTheUserNamedComesFirstAndTheListIsShort) {
    look(0);
    for (int i = 0; i < 500; ++i)
        watch_.on_failed("0.example:" + std::to_string(i), {ErrorCode::kIo, "gone"});
    watch_.on_failed("a.example:1", {ErrorCode::kRefused, "another network"});
    const ConditionView* found = look(kLonelyMs);
    ASSERT_NE(found, nullptr);
    EXPECT_TRUE(found->message.starts_with(
        "no other node can be reached: a.example:1: another network; 0.example"))
        << found->message;
    EXPECT_LT(found->message.size(), 200u);
}

TEST_F(Reach, WhoKnowsNobodyIsOnlyAlone) {
    place_.named.clear();
    place_.known = 0;
    look(0);
    const ConditionView* found = look(kLonelyMs);
    ASSERT_NE(found, nullptr);
    EXPECT_FALSE(found->trouble);
    EXPECT_NE(found->advice.find("--connect"), std::string::npos);
    EXPECT_NE(found->advice.find("127.0.0.1:9"), std::string::npos);
}

}  // namespace
}  // namespace cairn::node
