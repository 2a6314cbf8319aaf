// Proves that a run's log gives its rows back, that a run that goes on drops what came behind its
// step and a line that was cut off, and that no second run writes to it.
#include "train/train_log.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include "base/files.h"

namespace cairn::train {
namespace {

std::string scratch() {
    return testing::TempDir() + "cairn-train-log-" + std::to_string(::getpid()) + ".jsonl";
}

LogRow row(std::uint64_t step, double loss) {
    LogRow made;
    made.step = step;
    made.loss = loss;
    made.tokens = 100 * step;
    made.elapsed = 0.5;
    return made;
}

TEST(TrainLog, GivesItsRowsBackAndGoesOnBehindAStep) {
    const std::string path = scratch();
    {
        TrainLog log = TrainLog::create(path).value();
        EXPECT_FALSE(TrainLog::create(path).ok()) << "another run writes to it";
        ASSERT_TRUE(log.write_line(R"({"event":"start","step":0})").ok());
        for (std::uint64_t step = 1; step <= 3; ++step)
            ASSERT_TRUE(log.write(row(step, 4.0 / static_cast<double>(step))).ok());
    }
    const std::vector<LogRow> all = read_train_log(path).value();
    ASSERT_EQ(all.size(), 3U);
    EXPECT_EQ(all[1].step, 2U);
    EXPECT_EQ(all[1].loss, 2.0);
    EXPECT_EQ(all[1].valid_loss, std::nullopt);
    EXPECT_EQ(all[2].tokens, 300U);

    const std::string whole = read_text_file(path).value();
    ASSERT_TRUE(write_file(path, as_bytes(whole + R"({"step":4,"lo)")).ok());
    bool cut_off = false;
    EXPECT_EQ(read_train_log(path, &cut_off).value().size(), 3U);
    EXPECT_TRUE(cut_off);
    {
        TrainLog log = TrainLog::resume(path, 2).value();
        ASSERT_TRUE(log.write(row(3, 1.25)).ok());
    }
    const std::vector<LogRow> resumed = read_train_log(path, &cut_off).value();
    ASSERT_EQ(resumed.size(), 3U);
    EXPECT_EQ(resumed.back().loss, 1.25);
    EXPECT_FALSE(cut_off);
    EXPECT_TRUE(remove_file(path).ok());
}

TEST(TrainLog, NothingElseIsReplaced) {
    const std::string path = scratch();
    ASSERT_TRUE(write_file(path, as_bytes("a diary\n")).ok());
    EXPECT_FALSE(TrainLog::check(path).ok());
    EXPECT_FALSE(TrainLog::resume(path, 1).ok());
    EXPECT_EQ(read_text_file(path).value(), "a diary\n");
    EXPECT_TRUE(remove_file(path).ok());
    EXPECT_TRUE(TrainLog::check(path).ok());
}

}  // namespace
}  // namespace cairn::train
