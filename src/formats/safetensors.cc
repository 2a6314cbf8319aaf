#include "formats/safetensors.h"

#include <algorithm>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "base/foreign_file.h"
#include "formats/strict_json.h"

namespace cairn::formats {

using nlohmann::json;
using tensor::WeightType;

namespace {

constexpr std::size_t kMaxTensors = 1U << 16;
constexpr std::size_t kMaxRank = 8;
constexpr std::uint64_t kMaxEnd = std::uint64_t{1} << 48;

std::optional<WeightType> type_named(const std::string& name) {
    if (name == "F32") return WeightType::kF32;
    if (name == "F16") return WeightType::kF16;
    if (name == "BF16") return WeightType::kBf16;
    return std::nullopt;
}

const char* name_of(WeightType type) {
    CHECK(type == WeightType::kF32 || type == WeightType::kF16 || type == WeightType::kBf16);
    return type == WeightType::kF32 ? "F32" : type == WeightType::kF16 ? "F16" : "BF16";
}

// A list of unsigned numbers of at most `max` elements.
std::optional<std::vector<std::uint64_t>> numbers(const json& value, std::size_t max) {
    if (!value.is_array() || value.size() > max) return std::nullopt;
    std::vector<std::uint64_t> result;
    for (const json& item : value) {
        if (!item.is_number_unsigned()) return std::nullopt;
        result.push_back(item.get<std::uint64_t>());
    }
    return result;
}

// Elements of a shape, or nothing if they would not fit in memory anyway.
std::optional<std::uint64_t> elements(const std::vector<std::uint64_t>& shape) {
    std::uint64_t count = 1;
    for (const std::uint64_t extent : shape) {
        if (extent != 0 && count > model::kMaxParameters / extent) return std::nullopt;
        count *= extent;
    }
    return count;
}

Result<StoredTensor> parse_entry(const json& value, std::uint64_t data_begin) {
    if (!value.is_object() || !value.contains("dtype") || !value["dtype"].is_string())
        return invalid("has no dtype");
    StoredTensor entry;
    entry.type_name = value["dtype"].get<std::string>();
    entry.type = type_named(entry.type_name);
    const auto shape = numbers(value.value("shape", json()), kMaxRank);
    const auto offsets = numbers(value.value("data_offsets", json()), 2);
    if (!shape || !offsets || offsets->size() != 2) return invalid("has a bad shape or offset");
    const auto count = elements(*shape);
    const std::uint64_t begin = (*offsets)[0];
    const std::uint64_t end = (*offsets)[1];
    if (!count || begin > end || end > kMaxEnd) return invalid("lies outside any file");
    entry.shape = *shape;
    entry.offset = data_begin + begin;
    entry.bytes = end - begin;
    if (entry.type && entry.bytes != *count * tensor::weight_row_bytes(*entry.type, 1))
        return invalid("has a length that does not fit its shape");
    return entry;
}

// Every byte behind the header belongs to one tensor: none can be asked for twice, and none lies
// where no reader looks. As the format's own library has it.
Status check_ownership(const std::map<std::string, StoredTensor>& entries, std::uint64_t data_begin,
                       std::uint64_t file_size) {
    std::vector<std::pair<std::uint64_t, const std::string*>> order;
    std::uint64_t promised = data_begin;
    for (const auto& [name, entry] : entries) {
        if (entry.bytes > 0) order.emplace_back(entry.offset, &name);
        promised = std::max(promised, entry.offset + entry.bytes);
    }
    if (promised > file_size) return invalid(incomplete(file_size, promised));
    std::sort(order.begin(), order.end());
    std::uint64_t end = data_begin;
    const std::string* before = nullptr;
    for (const auto& [offset, name] : order) {
        if (offset < end) return invalid("tensors " + *before + " and " + *name + " overlap");
        if (offset > end)
            return invalid(
                fmt::format("{} bytes before tensor {} belong to none", offset - end, *name));
        end = offset + entries.at(*name).bytes;
        before = name;
    }
    if (end != file_size)
        return invalid(fmt::format("{} bytes at its end belong to no tensor", file_size - end));
    return ok_status();
}

Result<std::map<std::string, StoredTensor>> read_header(const SharedSource& source) {
    Bytes length_bytes(8);
    RETURN_IF_ERROR(source->read(0, length_bytes));
    const std::uint64_t length = Reader(length_bytes).u64();
    if (length > kMaxSafetensorsHeader)
        return invalid("it is not a safetensors file (header too long)");
    if (length > source->size() - 8) return invalid(incomplete(source->size(), 8 + length));
    Bytes header(static_cast<std::size_t>(length));
    RETURN_IF_ERROR(source->read(8, header));
    ASSIGN_OR_RETURN(const json parsed, parse_strict_json(as_text(header), "its header"));
    if (parsed.size() > kMaxTensors) return invalid("too many tensors");
    std::map<std::string, StoredTensor> entries;
    for (const auto& [name, value] : parsed.items()) {
        if (name == "__metadata__") continue;
        auto entry = parse_entry(value, 8 + length);
        if (!entry.ok()) return invalid("tensor " + name + " " + entry.error().message);
        entry->source = source;
        entries.emplace(name, *std::move(entry));
    }
    RETURN_IF_ERROR(check_ownership(entries, 8 + length, source->size()));
    return entries;
}

}  // namespace

Result<std::map<std::string, StoredTensor>> read_safetensors_header(const SharedSource& source) {
    auto entries = read_header(source);
    if (!entries.ok()) return entries.error().with_prefix(source->name());
    return entries;
}

Bytes safetensors_header(std::span<const ExportTensor> tensors) {
    json header = {{"__metadata__", {{"format", "pt"}}}};
    std::uint64_t at = 0;
    for (const ExportTensor& tensor : tensors) {
        header[tensor.name] = {{"dtype", name_of(tensor.type)},
                               {"shape", tensor.shape},
                               {"data_offsets", {at, at + tensor.bytes}}};
        at += tensor.bytes;
    }
    std::string text = header.dump();
    text.append((8 - text.size() % 8) % 8, ' ');
    Writer writer;
    writer.u64(text.size());
    writer.raw(as_bytes(text));
    return std::move(writer).take();
}

}  // namespace cairn::formats
