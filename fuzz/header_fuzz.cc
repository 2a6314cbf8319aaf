// Fuzzes the header decoder: what it accepts must encode to the same bytes again.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "chain/block.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cairn;
    const auto decoded = chain::decode_header(ByteView(data, size));
    if (!decoded.ok()) return 0;
    const auto again = chain::header_bytes(*decoded);
    CHECK(std::equal(again.bytes.begin(), again.bytes.end(), data, data + size));
    return 0;
}
