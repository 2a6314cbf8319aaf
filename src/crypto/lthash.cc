// CONSENSUS: changing a result here splits the network.
#include "crypto/lthash.h"

#include "crypto/hash.h"

namespace cairn::crypto {
namespace {

std::uint16_t lane(const std::uint8_t* bytes) {
    return static_cast<std::uint16_t>(bytes[0] | (bytes[1] << 8));
}

std::array<std::uint16_t, LtHash::kLanes> expand(ByteView element) {
    std::array<std::uint8_t, LtHash::kStateBytes> bytes;
    shake128(element, bytes);
    std::array<std::uint16_t, LtHash::kLanes> lanes;
    for (std::size_t i = 0; i < LtHash::kLanes; ++i) lanes[i] = lane(&bytes[2 * i]);
    return lanes;
}

}  // namespace

Result<LtHash> LtHash::from_state(ByteView state) {
    if (state.size() != kStateBytes)
        return invalid("a set hash has " + std::to_string(kStateBytes) + " bytes, got " +
                       std::to_string(state.size()));
    LtHash result;
    for (std::size_t i = 0; i < kLanes; ++i) result.lanes_[i] = lane(&state[2 * i]);
    return result;
}

void LtHash::add(ByteView element) {
    const auto lanes = expand(element);
    for (std::size_t i = 0; i < kLanes; ++i)
        lanes_[i] = static_cast<std::uint16_t>(lanes_[i] + lanes[i]);
}

void LtHash::remove(ByteView element) {
    const auto lanes = expand(element);
    for (std::size_t i = 0; i < kLanes; ++i)
        lanes_[i] = static_cast<std::uint16_t>(lanes_[i] - lanes[i]);
}

Hash256 LtHash::digest() const { return sha256(state()); }

Bytes LtHash::state() const {
    Bytes bytes(kStateBytes);
    for (std::size_t i = 0; i < kLanes; ++i) {
        bytes[2 * i] = static_cast<std::uint8_t>(lanes_[i]);
        bytes[2 * i + 1] = static_cast<std::uint8_t>(lanes_[i] >> 8);
    }
    return bytes;
}

}  // namespace cairn::crypto
