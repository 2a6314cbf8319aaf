// Proves that what is read from standard input is read whole and is bounded: whatever feeds it may
// never end.
#include "cli/text_lines.h"

#include <gtest/gtest.h>

#include <sstream>

namespace cairn::cli {
namespace {

/// Gives zeros for ever.
struct Endless final : std::streambuf {
    char zeros[1024] = {};
    std::size_t given = 0;
    int_type underflow() override {
        given += sizeof zeros;
        setg(zeros, zeros, zeros + sizeof zeros);
        return 0;
    }
};

TEST(TextLines, ReadsAStreamWholeAndNoFurtherThanItsBound) {
    for (const std::size_t size : {0U, 1U, 65'535U, 65'536U, 65'537U, 200'000U}) {
        const std::string text(size, 'x');
        std::istringstream in(text);
        EXPECT_EQ(read_all(in, "it", 200'000).value(), text);
    }
    Endless zeros;
    std::istream in(&zeros);
    const auto read = read_all(in, "standard input", 200'000);
    ASSERT_FALSE(read.ok());
    EXPECT_EQ(read.error().code, ErrorCode::kFull);
    EXPECT_EQ(read.error().message,
              "standard input goes on after 200000 bytes, and no more is taken: is it endless?");
    EXPECT_LT(zeros.given, 400'000U);
}

}  // namespace
}  // namespace cairn::cli
