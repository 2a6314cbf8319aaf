// Bytes, views of bytes, 256-bit hashes and hexadecimal: the vocabulary of everything that is
// stored or sent.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cairn {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

/// N bytes with value semantics, ordered lexicographically. Hashes, keys and signatures are these.
template <std::size_t N>
struct FixedBytes {
    std::array<std::uint8_t, N> bytes{};

    static constexpr std::size_t kSize = N;
    std::uint8_t* data() { return bytes.data(); }
    const std::uint8_t* data() const { return bytes.data(); }
    static constexpr std::size_t size() { return N; }
    ByteView view() const { return {bytes.data(), N}; }
    bool is_zero() const { return *this == FixedBytes{}; }
    auto operator<=>(const FixedBytes&) const = default;
};

/// A SHA-256 value, in the byte order in which the hash function gives it.
using Hash256 = FixedBytes<32>;

/// For unordered containers: the first eight bytes. Only for keys that are already hashes.
struct FixedBytesHash {
    template <std::size_t N>
    std::size_t operator()(const FixedBytes<N>& value) const {
        static_assert(N >= sizeof(std::size_t));
        std::size_t result;
        std::memcpy(&result, value.data(), sizeof result);
        return result;
    }
};

inline ByteView as_bytes(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Lower-case hexadecimal.
std::string to_hex(ByteView bytes);
/// Accepts either case; refuses odd lengths and anything that is not a hexadecimal digit.
Result<Bytes> from_hex(std::string_view text);

template <std::size_t N>
std::string to_hex(const FixedBytes<N>& value) {
    return to_hex(value.view());
}
/// The first 12 hexadecimal digits: how people tell two hashes apart.
template <std::size_t N>
std::string short_hex(const FixedBytes<N>& value) {
    return to_hex(value.view().first(6));
}
template <std::size_t N>
Result<FixedBytes<N>> fixed_from_hex(std::string_view text) {
    ASSIGN_OR_RETURN(Bytes bytes, from_hex(text));
    if (bytes.size() != N)
        return invalid("expected " + std::to_string(2 * N) + " hexadecimal digits, got " +
                       std::to_string(text.size()));
    FixedBytes<N> value;
    std::memcpy(value.data(), bytes.data(), N);
    return value;
}

}  // namespace cairn
