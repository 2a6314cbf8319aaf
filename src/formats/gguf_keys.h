// Writing the keys of a GGUF file, and the vocabulary among them.
#pragma once

#include <bit>
#include <span>
#include <string>
#include <vector>

#include "base/encoding.h"
#include "formats/gguf.h"

namespace cairn::formats {

/// Collects keys with their values; each is counted.
class GgufKeys {
  public:
    void number(std::string_view key, std::uint32_t value) {
        begin(key, GgufType::kU32);
        writer_.u32(value);
    }
    void real(std::string_view key, float value) {
        begin(key, GgufType::kF32);
        writer_.u32(std::bit_cast<std::uint32_t>(value));
    }
    void flag(std::string_view key, bool value) {
        begin(key, GgufType::kBool);
        writer_.u8(value ? 1 : 0);
    }
    void text(std::string_view key, std::string_view value) {
        begin(key, GgufType::kString);
        string(value);
    }
    void texts(std::string_view key, std::span<const std::string> values) {
        array(key, GgufType::kString, values.size());
        for (const std::string& value : values) string(value);
    }
    void reals(std::string_view key, std::span<const float> values) {
        array(key, GgufType::kF32, values.size());
        for (const float value : values) writer_.u32(std::bit_cast<std::uint32_t>(value));
    }
    void integers(std::string_view key, std::span<const std::int32_t> values) {
        array(key, GgufType::kI32, values.size());
        for (const std::int32_t value : values) writer_.i32(value);
    }

    std::uint64_t count() const { return count_; }
    const Bytes& out() const { return writer_.out(); }

  private:
    void string(std::string_view text) {
        writer_.u64(text.size());
        writer_.raw(as_bytes(text));
    }
    void begin(std::string_view key, GgufType type) {
        ++count_;
        string(key);
        writer_.u32(static_cast<std::uint32_t>(type));
    }
    void array(std::string_view key, GgufType element, std::size_t count) {
        begin(key, GgufType::kArray);
        writer_.u32(static_cast<std::uint32_t>(element));
        writer_.u64(count);
    }

    Writer writer_;
    std::uint64_t count_ = 0;
};

}  // namespace cairn::formats
