// Proves that memory for weights begins where large pages do, and that all of it can be written.
#include "base/large_pages.h"

#include <cstring>

#include <gtest/gtest.h>

namespace cairn {
namespace {

TEST(LargePages, GivesAlignedMemory) {
    const auto starts_at = [](const std::shared_ptr<std::uint8_t[]>& memory, std::size_t multiple) {
        return reinterpret_cast<std::uintptr_t>(memory.get()) % multiple == 0;
    };
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{100'000}})
        EXPECT_TRUE(starts_at(large_page_bytes(size), 64)) << size;
    for (const std::size_t size : {std::size_t{2} << 20, std::size_t{5'000'000}}) {
        const auto memory = large_page_bytes(size);
        EXPECT_TRUE(starts_at(memory, std::size_t{2} << 20)) << size;
        std::memset(memory.get(), 7, size);
        EXPECT_EQ(memory.get()[size - 1], 7);
    }
}

}  // namespace
}  // namespace cairn
