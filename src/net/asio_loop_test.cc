// Proves the Loop's promises: order of posts and timers, cancelling, lanes that work in order and
// beside each other, completions on the loop's thread.
#include "net/asio_loop.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
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
    AsioLoop loop;  // destroyed first, because its lanes use what is above
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

TEST(AsioLoop, AResultIsMadeInTheLaneAndMovedToTheLoop) {
    const auto loop_thread = std::this_thread::get_id();
    AsioLoop loop;
    std::unique_ptr<int> got;
    bool ended = false;
    offload(
        loop, Lane::kServe,
        [&] {
            EXPECT_NE(std::this_thread::get_id(), loop_thread);
            return std::make_unique<int>(7);  // cannot be copied
        },
        [&](std::unique_ptr<int> result) {
            EXPECT_EQ(std::this_thread::get_id(), loop_thread);
            got = std::move(result);
        });
    offload(
        loop, Lane::kServe, [] {},
        [&] {
            ended = true;
            loop.stop();
        });
    loop.run();
    ASSERT_TRUE(got);
    EXPECT_EQ(*got, 7);
    EXPECT_TRUE(ended);
}

TEST(AsioLoop, WhatWorkCapturedEndsInTheLaneAndBeforeDone) {
    struct Captured {
        explicit Captured(std::atomic<bool>& on_loop)
            : ended_on_loop(on_loop), loop_thread(std::this_thread::get_id()) {}
        ~Captured() { ended_on_loop = std::this_thread::get_id() == loop_thread; }
        std::atomic<bool>& ended_on_loop;
        std::thread::id loop_thread;
    };
    std::atomic<bool> ended_on_loop = true;
    AsioLoop loop;
    auto captured = std::make_shared<Captured>(ended_on_loop);
    const std::weak_ptr<Captured> watch = captured;
    offload(
        loop, Lane::kServe, [captured = std::move(captured)] { return 1; },
        [&](int) {
            EXPECT_TRUE(watch.expired());
            loop.stop();
        });
    loop.run();
    EXPECT_FALSE(ended_on_loop);
}

TEST(AsioLoop, AGuardedCallbackIsDroppedWithItsObject) {
    struct Asker {
        int answers = 0;
        Alive alive;
    };
    AsioLoop loop;
    Asker stays;
    auto goes = std::make_unique<Asker>();
    for (Asker* asker : {&stays, goes.get()}) {
        offload(
            loop, Lane::kServe, [] { return 3; },
            asker->alive.guard([asker](int result) { asker->answers += result; }));
        loop.call_after(0, asker->alive.guard([asker] { ++asker->answers; }));
        loop.post(asker->alive.guard([asker] { ++asker->answers; }));
    }
    goes.reset();  // its callbacks must not run: ASan would see it
    offload(
        loop, Lane::kServe, [] {}, [&] { loop.call_after(1, [&] { loop.stop(); }); });
    loop.run();
    EXPECT_EQ(stays.answers, 5);
}

TEST(AsioLoop, EndsWithWorkStillWaiting) {
    constexpr int kPieces = 5'000;  // ten seconds' work, for a machine that is busy meanwhile
    std::atomic<int> worked = 0;
    {
        AsioLoop loop;
        for (int i = 0; i < kPieces; ++i)
            loop.offload(
                Lane::kMine,
                [&] {
                    std::this_thread::sleep_for(std::chrono::milliseconds(2));
                    ++worked;
                },
                [] {});
    }
    EXPECT_LT(worked, kPieces);
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
