// Memory for what is read from one end to the other again and again, a model's weights: on pages of
// 2 MiB where the system has them, so that a reader does not look up an address every 4 KiB and the
// processor's prefetching does not stop there. It takes no more memory than was asked for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace cairn {

/// `size` bytes, not initialised, that begin at a cache line; throws std::bad_alloc as new does.
std::shared_ptr<std::uint8_t[]> large_page_bytes(std::size_t size);

}  // namespace cairn
