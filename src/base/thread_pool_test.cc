// Proves: parallel_for covers every index once, for any number of threads and any grain, however
// often and soon it is called again.
#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "base/float_mode.h"

namespace cairn {
namespace {

TEST(ThreadPool, CoversEveryIndexOnce) {
    for (std::size_t threads : {1u, 2u, 5u}) {
        ThreadPool pool(threads);
        EXPECT_EQ(pool.size(), threads);
        for (std::size_t count : {0u, 1u, 7u, 64u, 1000u}) {
            for (std::size_t grain : {1u, 16u, 2000u}) {
                std::vector<std::atomic<int>> hits(count);
                pool.parallel_for(count, grain, [&](std::size_t begin, std::size_t end) {
                    EXPECT_EQ(begin % grain, 0u);
                    for (std::size_t i = begin; i < end; ++i) ++hits[i];
                });
                for (const auto& hit : hits) EXPECT_EQ(hit.load(), 1);
            }
        }
    }
}

TEST(ThreadPool, ManyCallsInARow) {
    for (std::size_t threads : {2u, 3u, 7u}) {
        ThreadPool pool(threads);
        std::vector<std::size_t> values(64, 0);
        for (std::size_t call = 1; call <= 3000; ++call) {
            pool.parallel_for(values.size(), 3, [&](std::size_t begin, std::size_t end) {
                for (std::size_t i = begin; i < end; ++i) values[i] += call;
            });
            if (call % 1000 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
        for (const std::size_t value : values) EXPECT_EQ(value, 3000u * 3001u / 2);
    }
}

TEST(ThreadPool, AtMostAFewPiecesPerThread) {
    ThreadPool pool(3);
    std::atomic<std::size_t> calls = 0;
    pool.parallel_for(100000, 1, [&](std::size_t, std::size_t) { ++calls; });
    EXPECT_EQ(calls.load(), 3 * ThreadPool::kPiecesPerThread);
    calls = 0;
    pool.parallel_for(25, 10, [&](std::size_t, std::size_t) { ++calls; });
    EXPECT_EQ(calls.load(), 3u);
}

TEST(ThreadPool, WorkersKeepSubnormals) {
    ThreadPool pool(3);
    std::atomic<int> kept = 0;
    pool.parallel_for(3, 1, [&](std::size_t begin, std::size_t end) {
        check_float_mode();
        volatile float tiny = 1e-38f;
        for (std::size_t i = begin; i < end; ++i) kept += tiny * 0.1f > 0.0f;
    });
    EXPECT_EQ(kept.load(), 3);
}

}  // namespace
}  // namespace cairn
