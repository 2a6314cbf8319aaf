// Proves that long texts keep short ones waiting for nothing, that those who ask take turns, and
// that what is over is not read.
#include "host/reading_desk.h"

#include <gtest/gtest.h>

#include <future>
#include <vector>

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

}  // namespace
}  // namespace cairn::host
