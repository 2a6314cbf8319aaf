// GgufHeader's getters: values of the types that writers of the format really use for a key.
#include <bit>

#include <fmt/core.h>

#include "formats/gguf.h"

namespace cairn::formats {

namespace {

Error wrong(std::string_view key, std::string_view what) {
    return invalid(fmt::format("{} is not {}", key, what));
}

// An unsigned number from any integer type; nothing if it is negative or no integer.
std::optional<std::uint64_t> unsigned_of(GgufType type, Reader& reader) {
    const auto from_signed = [](std::int64_t value) -> std::optional<std::uint64_t> {
        if (value < 0) return std::nullopt;
        return static_cast<std::uint64_t>(value);
    };
    switch (type) {
        case GgufType::kU8:
            return reader.u8();
        case GgufType::kI8:
            return from_signed(static_cast<std::int8_t>(reader.u8()));
        case GgufType::kU16:
            return reader.u16();
        case GgufType::kI16:
            return from_signed(static_cast<std::int16_t>(reader.u16()));
        case GgufType::kU32:
            return reader.u32();
        case GgufType::kI32:
            return from_signed(reader.i32());
        case GgufType::kU64:
            return reader.u64();
        case GgufType::kI64:
            return from_signed(reader.i64());
        default:
            return std::nullopt;
    }
}

}  // namespace

Result<std::uint32_t> GgufHeader::number(std::string_view key) const {
    const auto at = values_.find(key);
    if (at == values_.end()) return invalid(fmt::format("{} is missing", key));
    const GgufValue& value = at->second;
    const bool list = value.type == GgufType::kArray;
    if (list && value.count == 0) return wrong(key, "a number");
    Reader reader(value.bytes);
    std::optional<std::uint64_t> result;
    for (std::uint64_t i = 0; i < value.count; ++i) {
        const auto next = unsigned_of(list ? value.element : value.type, reader);
        if (!next || *next > 0xFFFFFFFFU) return wrong(key, "a number up to 2^32");
        if (result && *result != *next)
            return Error{ErrorCode::kUnsupported,
                         fmt::format("{} differs from layer to layer, which this program does not "
                                     "compute",
                                     key)};
        result = next;
    }
    return static_cast<std::uint32_t>(*result);
}

Result<std::uint32_t> GgufHeader::number(std::string_view key, std::uint32_t otherwise) const {
    if (!has(key)) return otherwise;
    return number(key);
}

Result<float> GgufHeader::real(std::string_view key, float otherwise) const {
    const auto at = values_.find(key);
    if (at == values_.end()) return otherwise;
    Reader reader(at->second.bytes);
    if (at->second.type == GgufType::kF32) return std::bit_cast<float>(reader.u32());
    if (at->second.type == GgufType::kF64)
        return static_cast<float>(std::bit_cast<double>(reader.u64()));
    return wrong(key, "a real number");
}

Result<bool> GgufHeader::flag(std::string_view key, bool otherwise) const {
    const auto at = values_.find(key);
    if (at == values_.end()) return otherwise;
    if (at->second.type != GgufType::kBool || at->second.bytes[0] > 1)
        return wrong(key, "true or false");
    return at->second.bytes[0] == 1;
}

Result<std::string> GgufHeader::text(std::string_view key, std::string_view otherwise) const {
    const auto at = values_.find(key);
    if (at == values_.end()) return std::string(otherwise);
    if (at->second.type != GgufType::kString) return wrong(key, "a text");
    return std::string(as_text(at->second.bytes));
}

Result<const GgufValue*> GgufHeader::array(std::string_view key, std::size_t max_count) const {
    const auto at = values_.find(key);
    if (at == values_.end()) return static_cast<const GgufValue*>(nullptr);
    if (at->second.type != GgufType::kArray) return wrong(key, "an array");
    if (at->second.count > max_count)
        return invalid(fmt::format("{} has {} elements, at most {} are read", key, at->second.count,
                                   max_count));
    return &at->second;
}

Result<std::vector<std::string>> GgufHeader::texts(std::string_view key, std::size_t max_count,
                                                   std::size_t max_bytes) const {
    ASSIGN_OR_RETURN(const GgufValue* value, array(key, max_count));
    std::vector<std::string> result;
    if (value == nullptr) return result;
    if (value->element != GgufType::kString) return wrong(key, "an array of texts");
    Reader reader(value->bytes);
    for (std::uint64_t i = 0; i < value->count; ++i) {
        const std::uint64_t length = reader.u64();
        if (length > max_bytes)
            return invalid(fmt::format("{} has a text of {} bytes", key, length));
        result.emplace_back(as_text(reader.raw(static_cast<std::size_t>(length))));
    }
    return result;
}

Result<std::vector<float>> GgufHeader::reals(std::string_view key, std::size_t max_count) const {
    ASSIGN_OR_RETURN(const GgufValue* value, array(key, max_count));
    std::vector<float> result;
    if (value == nullptr) return result;
    if (value->element != GgufType::kF32) return wrong(key, "an array of real numbers");
    Reader reader(value->bytes);
    for (std::uint64_t i = 0; i < value->count; ++i)
        result.push_back(std::bit_cast<float>(reader.u32()));
    return result;
}

Result<std::vector<std::int32_t>> GgufHeader::integers(std::string_view key,
                                                       std::size_t max_count) const {
    ASSIGN_OR_RETURN(const GgufValue* value, array(key, max_count));
    std::vector<std::int32_t> result;
    if (value == nullptr) return result;
    if (value->element != GgufType::kI32 && value->element != GgufType::kU32)
        return wrong(key, "an array of integers");
    Reader reader(value->bytes);
    for (std::uint64_t i = 0; i < value->count; ++i) result.push_back(reader.i32());
    return result;
}

}  // namespace cairn::formats
