// Fuzzes the decoder of a channel's record: what it accepts must encode to the same bytes again.
// The checksum is made good first, so that what lies behind it is reached.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "channel/record.h"
#include "crypto/hash.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cairn;
    Bytes bytes(data, data + size);
    CHECK(!channel::decode_record(bytes).ok() ||
          channel::encode(*channel::decode_record(bytes)) == bytes);
    const Hash256 sum = crypto::sha256(bytes);
    bytes.insert(bytes.end(), sum.bytes.begin(), sum.bytes.end());
    const auto decoded = channel::decode_record(bytes);
    if (decoded.ok()) CHECK(channel::encode(*decoded) == bytes);
    return 0;
}
