// Proves that the memory that is free can be told here, and that there is.
#include "base/free_memory.h"

#include <gtest/gtest.h>

namespace cairn {
namespace {

TEST(FreeMemory, IsSomeOnAMachineThatRunsThis) {
    const auto bytes = free_memory_bytes();
#if defined(__linux__)
    ASSERT_TRUE(bytes.has_value());
    EXPECT_GT(*bytes, std::uint64_t{1} << 20);
    EXPECT_LT(*bytes, std::uint64_t{1} << 50);
    const auto all = total_memory_bytes();
    ASSERT_TRUE(all.has_value());
    EXPECT_GT(*all, *bytes);
    EXPECT_LT(*all, std::uint64_t{1} << 50);
#endif
}

}  // namespace
}  // namespace cairn
