#include "base/large_pages.h"

#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace cairn {

namespace {

constexpr std::size_t kLine = 64;
constexpr std::size_t kLargePage = std::size_t{2} << 20;

// Only a hint: a system without such pages goes on with small ones. The last, shorter page keeps
// small ones, as a large one would take memory that nobody asked for.
void ask_for_large_pages([[maybe_unused]] void* memory, [[maybe_unused]] std::size_t size) {
#if defined(__linux__)
    ::madvise(memory, size / kLargePage * kLargePage, MADV_HUGEPAGE);
#endif
}

}  // namespace

std::shared_ptr<std::uint8_t[]> large_page_bytes(std::size_t size) {
    const std::align_val_t alignment{size < kLargePage ? kLine : kLargePage};
    auto* memory = static_cast<std::uint8_t*>(::operator new[](size, alignment));
    if (size >= kLargePage) ask_for_large_pages(memory, size);
    return {memory, [alignment](std::uint8_t* p) { ::operator delete[](p, alignment); }};
}

}  // namespace cairn
