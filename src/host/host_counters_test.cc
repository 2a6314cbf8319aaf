// Proves that what is counted is told as Prometheus reads it.
#include "host/host_counters.h"

#include <gmock/gmock.h>

#include "host/waiting_room.h"

namespace cairn::host {
namespace {

using testing::HasSubstr;

TEST(HostCounters, AreToldWithTheirTypes) {
    HostCounters counters;
    counters.texts[static_cast<std::size_t>(Outcome::kRefused)] = 3;
    counters.kv_bytes = 1234;
    counters.step_us = 2'500'000;
    const std::string text = counters.text();
    EXPECT_THAT(text, HasSubstr("# TYPE cairn_host_requests_total counter\n"));
    EXPECT_THAT(text, HasSubstr("cairn_host_requests_total{outcome=\"refused\"} 3\n"));
    EXPECT_THAT(text, HasSubstr("# TYPE cairn_host_kv_bytes gauge\ncairn_host_kv_bytes 1234\n"));
    EXPECT_THAT(text, HasSubstr("cairn_host_step_seconds_total 2.5\n"));
}

TEST(HostCounters, BucketsHoldAllThatIsNotLarger) {
    SecondsHistogram histogram;
    for (const std::uint64_t us : {50'000U, 50'001U, 2'000'000U, 40'000'000U}) histogram.add_us(us);
    const std::string text = histogram.text("x");
    EXPECT_THAT(text, HasSubstr("x_bucket{le=\"0.05\"} 1\nx_bucket{le=\"0.1\"} 2\n"));
    EXPECT_THAT(text, HasSubstr("x_bucket{le=\"2.5\"} 3\n"));
    EXPECT_THAT(text, HasSubstr("x_bucket{le=\"30\"} 3\nx_bucket{le=\"+Inf\"} 4\n"));
    EXPECT_THAT(text, HasSubstr("x_sum 42.100001\nx_count 4\n"));
}

TEST(WaitingRoom, HoldsSoManyAndHalfOfThemOfOne) {
    HostCounters counters;
    WaitingRoom room(3, counters);
    EXPECT_TRUE(room.enter("a", 1));
    EXPECT_TRUE(room.enter("a", 1));
    EXPECT_FALSE(room.enter("a", 1));
    EXPECT_TRUE(room.enter("b", 1));
    EXPECT_FALSE(room.enter("c", 1));
    EXPECT_EQ(counters.waiting, 3U);
    room.leave("a", 1);
    EXPECT_FALSE(room.enter("c", WaitingRoom::kMaxBytes));
    EXPECT_TRUE(room.enter("c", WaitingRoom::kMaxBytes - 2));
}

}  // namespace
}  // namespace cairn::host
