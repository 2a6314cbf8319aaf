// Proves that a simulated loop keeps loop.h's promises about offload: a result comes back after
// its lane's time, and a callback of an object that has ended is dropped.
#include "sim/sim_loop.h"

#include <gtest/gtest.h>

namespace cairn::sim {
namespace {

TEST(SimLoop, AResultComesBackAfterTheTimeOfItsLane) {
    Scheduler scheduler;
    SimLoop loop(scheduler, 1);
    loop.set_lane_time(Lane::kServe, {5'000, 5'000});
    std::uint64_t worked_us = 99;
    std::unique_ptr<std::string> got;
    offload(
        loop, Lane::kServe,
        [&] {
            worked_us = scheduler.now_us();
            return std::make_unique<std::string>("cannot be copied");
        },
        [&](std::unique_ptr<std::string> result) {
            EXPECT_EQ(scheduler.now_us(), 5'000u);
            got = std::move(result);
        });
    while (scheduler.step()) continue;
    EXPECT_EQ(worked_us, 0u);
    ASSERT_TRUE(got);
    EXPECT_EQ(*got, "cannot be copied");
}

TEST(SimLoop, AGuardedCallbackIsDroppedWithItsObject) {
    struct Asker {
        int answers = 0;
        Alive alive;
    };
    Scheduler scheduler;
    SimLoop loop(scheduler, 1);
    Asker stays;
    auto goes = std::make_unique<Asker>();
    for (Asker* asker : {&stays, goes.get()}) {
        offload(
            loop, Lane::kServe, [] { return 3; },
            asker->alive.guard([asker](int result) { asker->answers += result; }));
        loop.call_after(1, asker->alive.guard([asker] { ++asker->answers; }));
        loop.post(asker->alive.guard([asker] { ++asker->answers; }));
    }
    goes.reset();  // what is still to come for it must not run: ASan would see it
    while (scheduler.step()) continue;
    EXPECT_EQ(stays.answers, 5);
}

}  // namespace
}  // namespace cairn::sim
