// Proves that a condition is listed with its beginning as long as it holds, that it is said once
// and not at every look, and that its end is said.
#include "node/conditions.h"

#include <gtest/gtest.h>

namespace cairn::node {
namespace {

/// What `act` writes to the log.
template <typename Act>
std::string log_of(Act act) {
    testing::internal::CaptureStderr();
    act();
    return testing::internal::GetCapturedStderr();
}

TEST(Conditions, AreListedSinceTheyBeganAndAsTheyAreNow) {
    ManualClock clock;
    Conditions conditions(clock);
    const std::uint64_t began = clock.wall_ms();
    conditions.set("disk", "the disk is full", "make room");
    clock.advance_us(5'000'000);
    conditions.set("clock", "the clock is 3 s slow", "set it");
    conditions.set("disk", "the disk is very full", "make much room");
    ASSERT_EQ(conditions.now().size(), 2u);
    EXPECT_EQ(conditions.now()[0].name, "disk");
    EXPECT_EQ(conditions.now()[0].since_ms, began) << "a new message is no new beginning";
    EXPECT_EQ(condition_text(conditions.now()[0]), "the disk is very full; make much room");
    EXPECT_EQ(conditions.now()[1].since_ms, began + 5'000);
    EXPECT_TRUE(conditions.holds("clock"));
    conditions.clear("disk");
    conditions.clear("never set");
    EXPECT_FALSE(conditions.holds("disk"));
    EXPECT_EQ(conditions.now().size(), 1u);
}

TEST(Conditions, AreSaidOnceWhenTheyChangeAndWhenTheyEnd) {
    const ManualClock clock;
    Conditions conditions(clock);
    EXPECT_NE(log_of([&] {
                  conditions.set("a", "3 s slow (conditions)", "set it");
              }).find("3 s slow (conditions); set it"),
              std::string::npos);
    EXPECT_EQ(log_of([&] { conditions.set("a", "4 s slow (conditions)", "set it"); }), "");
    EXPECT_EQ(conditions.now()[0].message, "4 s slow (conditions)") << "shown, though not logged";
    EXPECT_NE(log_of([&] { conditions.set("a", "4 h fast (conditions)", ""); }), "");
    EXPECT_NE(log_of([&] { conditions.clear("a"); }).find("no longer so"), std::string::npos);
    EXPECT_EQ(log_of([&] { conditions.clear("a"); }), "");
}

TEST(Conditions, ANoteIsNoWarning) {
    const ManualClock clock;
    Conditions conditions(clock);
    EXPECT_EQ(log_of([&] {
                  conditions.note("a", "alone so far");
                  conditions.clear("a");
              }),
              "");
}

}  // namespace
}  // namespace cairn::node
