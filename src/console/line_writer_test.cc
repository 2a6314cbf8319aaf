// Proves that lines arrive in order, and that nobody waits for a reader who does not read: neither
// who writes, nor who ends.
#include "console/line_writer.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <string>

namespace cairn::console {
namespace {

class LineWriterTest : public testing::Test {
  protected:
    LineWriterTest() { EXPECT_EQ(::pipe(ends_), 0); }
    // The pipe stays open: a writer's thread that nobody waits for may still write to it.
    std::string read(std::size_t bytes) const {
        std::string text;
        while (text.size() < bytes) {
            char part[4096];
            const ssize_t got = ::read(ends_[0], part, std::min(sizeof part, bytes - text.size()));
            if (got <= 0) break;
            text.append(part, static_cast<std::size_t>(got));
        }
        return text;
    }

    int ends_[2] = {-1, -1};
};

TEST_F(LineWriterTest, LinesArriveInOrder) {
    std::string expected;
    {
        LineWriter writer(ends_[1]);
        for (int i = 0; i < 300; ++i) {
            writer.write("line " + std::to_string(i) + "\x1b");
            expected += "line " + std::to_string(i) + "\xEF\xBF\xBD\n";
        }
    }
    EXPECT_EQ(read(expected.size()), expected);
}

TEST_F(LineWriterTest, NobodyWaitsForAReaderWhoDoesNotRead) {
    const auto began = std::chrono::steady_clock::now();
    const std::string long_line(1000, 'x');
    {
        LineWriter writer(ends_[1]);
        for (std::size_t i = 0; i < 10 * LineWriter::kMaxLines; ++i) writer.write(long_line);
    }
    // A moment; whoever waited would wait for ever.
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(20));
}

TEST_F(LineWriterTest, TheReaderIsToldWhatWasLost) {
    LineWriter writer(ends_[1]);
    const std::string line(1000, 'x');
    for (std::size_t i = 0; i < 2 * LineWriter::kMaxLines; ++i) writer.write(line);
    std::string text;
    while (text.find("lines were lost") == std::string::npos) text += read(1);
    EXPECT_GT(text.size(), LineWriter::kMaxLines * line.size());
}

}  // namespace
}  // namespace cairn::console
