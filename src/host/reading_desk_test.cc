// Proves that long texts keep short ones waiting for nothing, that those who ask take turns, and
// that what is over is not read.
#include "host/reading_desk.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

#include <future>
#include <vector>

#include "host/test_host.h"

namespace cairn::host {
namespace {

// The test's thread plays the serving thread.
class ReadingDeskTest : public testing::Test {
  protected:
    ~ReadingDeskTest() override { desk_.stop(); }
    void run_one() {
        std::function<void()> task;
        {
            MutexLock lock(mutex_);
            while (tasks_.empty()) changed_.wait(mutex_);
            task = std::move(tasks_.front());
            tasks_.pop_front();
        }
        task();
    }
    void add(const std::string& client, std::size_t bytes, const std::string& name,
             std::shared_future<void> hold = {}) {
        desk_.add(client, bytes,
                  {[this, name] { return over_ == name; },
                   [hold] {
                       if (hold.valid()) hold.wait();
                   },
                   [this, name] { read_.push_back(name); }});
    }

    Mutex mutex_;
    Condition changed_;
    std::deque<std::function<void()>> tasks_ GUARDED_BY(mutex_);
    std::vector<std::string> read_;
    std::string over_;
    bool ended_early_ = false;
    ReadingDesk desk_{[this](std::function<void()> task) {
        MutexLock lock(mutex_);
        tasks_.push_back(std::move(task));
        changed_.notify_all();
    }};
};

TEST_F(ReadingDeskTest, AShortTextIsNotBehindALongOne) {
    std::promise<void> go;
    add("a", ReadingDesk::kShortBytes + 1, "long", go.get_future().share());
    add("b", ReadingDesk::kShortBytes, "short");
    run_one();
    EXPECT_EQ(read_, std::vector<std::string>{"short"});
    EXPECT_TRUE(desk_.is_busy());
    go.set_value();
    run_one();
    EXPECT_EQ(read_.back(), "long");
    EXPECT_FALSE(desk_.is_busy());
}

TEST_F(ReadingDeskTest, ThoseWhoAskTakeTurnsAndWhatIsOverLeaves) {
    constexpr std::size_t kLong = ReadingDesk::kShortBytes + 1;
    std::promise<void> go;
    add("a", kLong, "a1", go.get_future().share());
    for (const char* name : {"a2", "a3", "a4"}) add("a", kLong, name);
    add("b", kLong, "b1");
    over_ = "a3";
    desk_.drop_over();
    go.set_value();
    while (desk_.is_busy()) run_one();
    EXPECT_EQ(read_, (std::vector<std::string>{"a1", "a2", "b1", "a4"}));
}

// Short texts are handed to their thread by the dozen: those beyond wait in turns like long ones,
// and all are read.
TEST_F(ReadingDeskTest, ShortTextsBeyondTheDozenWaitTheirTurn) {
    std::promise<void> go;
    add("a", 1, "a0", go.get_future().share());
    std::vector<std::string> expected{"a0"};
    for (int i = 1; i < 40; ++i) add("a", 1, "a" + std::to_string(i));
    add("b", 1, "b0");
    over_ = "a39";
    desk_.drop_over();
    go.set_value();
    while (desk_.is_busy()) run_one();
    ASSERT_EQ(read_.size(), 40U);  // all but the one that was over
    const auto place = [&](const std::string& name) {
        return std::ranges::find(read_, name) - read_.begin();
    };
    EXPECT_EQ(place("a39"), 40);
    // 32 had been handed over when b came; then it was b's turn after one of a's at most.
    EXPECT_LE(place("b0"), 33);
    EXPECT_GE(place("b0"), 31);
}

// Whoever left while his text was being read is not waited for.
TEST_F(ReadingDeskTest, WhatIsOverWhileItIsReadEndsEarly) {
    std::promise<void> begun;
    const auto tokenizer = test::small_tokenizer();
    std::string text;
    while (text.size() < (std::size_t{8} << 20)) text += "the cat ";
    std::size_t tokens = 0;
    desk_.add("a", text.size(),
              {[this] { return over_ == "long"; },
               [&] {
                   begun.set_value();
                   while (tokens == 0 || !ended_early_) {
                       tokens = tokenizer->encode(text).size();
                       if (tokens < text.size() / 8) ended_early_ = true;
                   }
               },
               [this] { read_.push_back("long"); }});
    add("b", ReadingDesk::kShortBytes + 1, "next");
    begun.get_future().wait();
    over_ = "long";
    desk_.drop_over();
    while (desk_.is_busy()) run_one();
    EXPECT_TRUE(ended_early_);
    EXPECT_EQ(read_, std::vector<std::string>{"next"});
}

}  // namespace
}  // namespace cairn::host
