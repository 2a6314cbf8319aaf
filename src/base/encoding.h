// The canonical encoding: little-endian integers of fixed width, byte strings with a u32 length,
// lists with a u32 count. One value has one spelling. Hashes and signatures are taken over it.
//
//   Writer w;  w.u32(7);  w.bytes(payload);  Bytes out = std::move(w).take();
//   Reader r(out);  auto seven = r.u32();  auto p = r.bytes(kMaxPayload);
//   RETURN_IF_ERROR(r.finish());   // refuses a short read and trailing bytes alike
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace cairn {

class Writer {
  public:
    void u8(std::uint8_t value) { out_.push_back(value); }
    void u16(std::uint16_t value) { little_endian(value, 2); }
    void u32(std::uint32_t value) { little_endian(value, 4); }
    void u64(std::uint64_t value) { little_endian(value, 8); }
    void i32(std::int32_t value) { u32(static_cast<std::uint32_t>(value)); }
    void i64(std::int64_t value) { u64(static_cast<std::uint64_t>(value)); }
    /// The bytes alone, without a length: for fields of fixed size.
    void raw(ByteView value);
    template <std::size_t N>
    void fixed(const FixedBytes<N>& value) {
        raw(value.view());
    }
    /// u32 length, then the bytes.
    void bytes(ByteView value);
    void text(std::string_view value) { bytes(as_bytes(value)); }
    /// Element count of a list; the elements follow.
    void count(std::size_t value);

    const Bytes& out() const { return out_; }
    Bytes take() && { return std::move(out_); }

  private:
    void little_endian(std::uint64_t value, int width) {
        for (int i = 0; i < width; ++i) out_.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
    }

    Bytes out_;
};

/// Reads what Writer wrote. After the first failure every read gives zeros, so a decoder may read
/// on and ask once, at the end, whether all went well.
class Reader {
  public:
    explicit Reader(ByteView in) : in_(in) {}

    std::uint8_t u8() { return static_cast<std::uint8_t>(little_endian(1)); }
    std::uint16_t u16() { return static_cast<std::uint16_t>(little_endian(2)); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(little_endian(4)); }
    std::uint64_t u64() { return little_endian(8); }
    std::int32_t i32() { return static_cast<std::int32_t>(u32()); }
    std::int64_t i64() { return static_cast<std::int64_t>(u64()); }
    /// Exactly `size` bytes, as a view into the input; empty after a failure.
    ByteView raw(std::size_t size);
    template <std::size_t N>
    FixedBytes<N> fixed() {
        FixedBytes<N> value;
        const ByteView view = raw(N);
        if (view.size() == N) std::memcpy(value.data(), view.data(), N);
        return value;
    }
    /// A byte string of at most `max` bytes.
    Bytes bytes(std::size_t max);
    std::string text(std::size_t max);
    /// A list's count: at most `max`, and no more than the rest of the input can hold at
    /// `min_element_bytes` each, so that a lying count cannot make us allocate.
    std::size_t count(std::size_t max, std::size_t min_element_bytes);

    /// Marks the input as bad; the first reason wins.
    void fail(std::string reason);
    bool failed() const { return !reason_.empty(); }
    std::size_t remaining() const { return in_.size() - at_; }
    /// The verdict: fails if any read failed or bytes are left over.
    Status finish();
    /// As finish, but leaves the rest of the input for another reader.
    Status status() const;

  private:
    std::uint64_t little_endian(int width);

    ByteView in_;
    std::size_t at_ = 0;
    std::string reason_;
};

}  // namespace cairn
