// CONSENSUS: changing a result here splits the network.
//
// Arrays of int32 as canonical little-endian bytes: hashed, written and read.
#pragma once

#include <bit>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "base/encoding.h"
#include "crypto/hash.h"

namespace cairn::worth {

static_assert(std::endian::native == std::endian::little,
              "arrays are hashed as they lie in memory");

inline ByteView int32_bytes(std::span<const std::int32_t> values) {
    return {reinterpret_cast<const std::uint8_t*>(values.data()), values.size_bytes()};
}

inline Hash256 hash_int32(std::string_view tag, std::span<const std::int32_t> values) {
    return crypto::tagged_hash(tag, int32_bytes(values));
}

inline void append_int32(std::span<const std::int32_t> values, Writer& writer) {
    writer.raw(int32_bytes(values));
}

/// Zeros if the input is too short; then reader.finish() fails.
inline std::vector<std::int32_t> read_int32(Reader& reader, std::size_t count) {
    std::vector<std::int32_t> values(count, 0);
    const ByteView bytes = reader.raw(count * sizeof(std::int32_t));
    if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
}

}  // namespace cairn::worth
