// Fuzzes the decoder of vouchers: what it accepts must encode to the same bytes again.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "chain/voucher.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cairn;
    const auto decoded = chain::decode_voucher(ByteView(data, size));
    if (!decoded.ok()) return 0;
    const Bytes again = chain::encode(*decoded);
    CHECK(std::equal(again.begin(), again.end(), data, data + size));
    return 0;
}
