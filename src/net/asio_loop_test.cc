// Proves the Loop's promises: order of posts and timers, cancelling, lanes that work in order and
// beside each other, completions on the loop's thread.
#include "net/asio_loop.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace cairn::net {
namespace {

TEST(AsioLoop, TimersFireInOrderAndCanBeCancelled) {
    AsioLoop loop;
    std::vector<int> order;
    loop.call_after(30, [&] {
        order.push_back(3);
        loop.stop();
    });
    loop.call_after(10, [&] { order.push_back(2); });
    const TimerId cancelled = loop.call_after(5, [&] { order.push_back(99); });
    EXPECT_NE(cancelled, 0u);
    loop.post([&] {
        order.push_back(1);
        loop.cancel(cancelled);
        loop.cancel(cancelled);  // twice is harmless
        loop.cancel(12345);
    });
    loop.run();
    EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST(AsioLoop, ATimerCancelledInTheSameTurnDoesNotFire) {
    AsioLoop loop;
    bool fired = false;
    TimerId second = 0;
    loop.call_after(1, [&] {
        loop.cancel(second);
        loop.call_after(10, [&] { loop.stop(); });
    });
    second = loop.call_after(1, [&] { fired = true; });
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // both are due at once
    loop.run();
    EXPECT_FALSE(fired);
}

TEST(AsioLoop, LanesKeepOrderAndFinishOnTheLoop) {
    const auto loop_thread = std::this_thread::get_id();
    std::vector<int> order;
    std::atomic<int> last_worked = 0;
    std::atomic<bool> train_runs = false;
    AsioLoop loop;  // goes first: its lanes still look at the above
    loop.offload(
        Lane::kTrain,
        [&] {
            train_runs = true;
            train_runs.wait(true);  // until the other lane has worked beside it
        },
        [] {});
    for (int i = 1; i <= 100; ++i)
        loop.offload(
            Lane::kChain,
            [&, i] {
                EXPECT_NE(std::this_thread::get_id(), loop_thread);
                EXPECT_EQ(last_worked.exchange(i), i - 1);
            },
            [&, i] {
                EXPECT_EQ(std::this_thread::get_id(), loop_thread);
                order.push_back(i);
                if (i < 100) return;
                while (!train_runs) std::this_thread::yield();
                train_runs = false;
                train_runs.notify_all();
                loop.stop();
            });
    loop.run();
    ASSERT_EQ(order.size(), 100u);
    EXPECT_EQ(order.back(), 100);
}

TEST(AsioLoop, EndsWithWorkStillWaiting) {
    std::atomic<int> worked = 0;
    {
        AsioLoop loop;
        for (int i = 0; i < 50; ++i)
            loop.offload(
                Lane::kMine,
                [&] {
                    std::this_thread::sleep_for(std::chrono::milliseconds(2));
                    ++worked;
                },
                [] {});
    }
    EXPECT_LT(worked, 50);
}

TEST(AsioLoop, PostsFromManyThreads) {
    AsioLoop loop;
    int count = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < 1000; ++i)
                loop.post([&] {
                    if (++count == 4000) loop.stop();
                });
        });
    loop.run();
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(count, 4000);
}

}  // namespace
}  // namespace cairn::net
