// Fuzzes the payload decoder: whatever it accepts lies inside +-2^30 and, encoded bytes being one
// spelling, scale and values can be read back from the payload alone.
#include <cstddef>
#include <cstdint>

#include "codec/codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cairn;
    if (size < 2) return 0;
    constexpr std::uint32_t kBits[] = {1, 4, 8, 16};
    chain::CodecSpec spec{chain::CodecKind::kSrht, data[0] % 10U, kBits[data[1] % 4]};
    if (data[1] >= 0xF0) spec = {chain::CodecKind::kDense, 0, 8};
    // The other kinds, at so few values that a matrix without zeros is quick.
    if (data[1] >= 0x80 && data[1] < 0xF0)
        spec = {static_cast<chain::CodecKind>(2 + data[1] % 7), 6 + data[0] % 3U,
                kBits[data[1] / 8 % 4]};
    const ByteView payload(data + 2, size - 2);
    const std::size_t tiles = 1 + payload.size() / codec::payload_size(spec, codec::kTile) % 4;
    const auto delta = codec::decode(spec, payload, Hash256{}, tiles * codec::kTile);
    if (!delta.ok()) return 0;
    for (const std::int32_t value : *delta)
        CHECK(value > -codec::kDeltaLimit && value < codec::kDeltaLimit);
    return 0;
}
