// Proves that a wrong clock is found and named by the chain's tip and by the peers' clocks, that
// liars among the peers cannot stop mining, and that a clock set right is taken as right.
#include "node/clock_watch.h"

#include <gtest/gtest.h>

namespace cairn::node {
namespace {

constexpr std::uint64_t kNow = 1'790'000'000'000, kHour = 3'600'000;

struct SetClock final : Clock {
    std::uint64_t wall = kNow, monotonic = 5'000'000;
    std::uint64_t wall_ms() const override { return wall; }
    std::uint64_t monotonic_us() const override { return monotonic; }
};

TEST(ClockWatch, TheTipShowsAClockThatIsBehind) {
    const SetClock clock;
    const ClockWatch watch(clock, 2'000);
    EXPECT_TRUE(watch.look(0).trouble.empty());
    EXPECT_TRUE(watch.look(kNow + 2'000).trouble.empty()) << "the rules allow that much";
    EXPECT_TRUE(watch.look(kNow - 1'000 * kHour).trouble.empty()) << "the node may have been away";
    const auto found = watch.look(kNow + 3 * kHour);
    EXPECT_NE(found.trouble.find("this machine's clock is 3 h behind the chain's last block"),
              std::string::npos)
        << found.trouble;
    EXPECT_FALSE(found.may_mine);
}

TEST(ClockWatch, PeersShowAClockThatIsAhead) {
    SetClock clock;
    ClockWatch watch(clock, 2'000);
    watch.on_peer_clock(1, true, kNow - 3 * kHour);
    const auto found = watch.look(kNow - 3 * kHour);
    EXPECT_NE(found.trouble.find("3 h ahead"), std::string::npos) << found.trouble;
    EXPECT_FALSE(found.may_mine) << "they would refuse what is mined";
    // Time passes, on all clocks alike; then ours is set.
    clock.monotonic += 60'000'000;
    clock.wall += 60'000;
    EXPECT_EQ(watch.look(0).kind, found.kind);
    clock.wall -= 3 * kHour;
    EXPECT_TRUE(watch.look(0).trouble.empty());
    clock.wall += 3 * kHour;
    watch.on_peer_down(1);
    EXPECT_TRUE(watch.look(0).trouble.empty()) << "nobody is left to contradict it";
}

TEST(ClockWatch, BehindThePeersIsSaidButNoReasonToStop) {
    const SetClock clock;
    ClockWatch watch(clock, 2'000);
    watch.on_peer_clock(1, true, kNow + 50 * kHour);
    const auto found = watch.look(kNow);
    EXPECT_NE(found.trouble.find("2 days behind"), std::string::npos) << found.trouble;
    EXPECT_TRUE(found.may_mine);
}

TEST(ClockWatch, LiarsCannotStopTheMining) {
    const SetClock clock;
    ClockWatch watch(clock, 2'000);
    // Any number of peers that dialled us.
    for (net::PeerId id = 10; id < 60; ++id) watch.on_peer_clock(id, false, kNow - kHour);
    EXPECT_TRUE(watch.look(kNow).may_mine);
    EXPECT_FALSE(watch.look(kNow).trouble.empty()) << "but it is said";
    // One of two peers that we chose, or two of four.
    watch.on_peer_clock(1, true, kNow);
    watch.on_peer_clock(2, true, 0);
    EXPECT_TRUE(watch.look(kNow).trouble.empty());
    watch.on_peer_clock(3, true, ~std::uint64_t{0});
    watch.on_peer_clock(4, true, kNow + 100);
    EXPECT_TRUE(watch.look(kNow).trouble.empty());
}

TEST(ClockWatch, SpansAreForPeople) {
    EXPECT_EQ(span_text(45'400), "45 s");
    EXPECT_EQ(span_text(300'000), "5 min");
    EXPECT_EQ(span_text(3 * kHour), "3 h");
    EXPECT_EQ(span_text(72 * kHour), "3 days");
}

}  // namespace
}  // namespace cairn::node
