#include "model/safetensors.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <set>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "tensor/kv_type.h"

namespace cairn::model {

using nlohmann::json;

namespace {

constexpr std::size_t kMaxTensors = 1U << 16;
constexpr std::size_t kMaxRank = 8;
constexpr std::size_t kMaxShards = 256;

std::uint64_t type_bytes(SafetensorsType type) { return type == SafetensorsType::kF32 ? 4 : 2; }

SafetensorsType parse_type(const std::string& name) {
    if (name == "F32") return SafetensorsType::kF32;
    if (name == "F16") return SafetensorsType::kF16;
    if (name == "BF16") return SafetensorsType::kBf16;
    return SafetensorsType::kOther;
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
        if (extent != 0 && count > kMaxParameters / extent) return std::nullopt;
        count *= extent;
    }
    return count;
}

Result<SafetensorsEntry> parse_entry(const json& value, std::uint64_t data_begin,
                                     std::uint64_t file_size) {
    if (!value.is_object() || !value.contains("dtype") || !value["dtype"].is_string())
        return invalid("has no dtype");
    SafetensorsEntry entry;
    entry.type = parse_type(value["dtype"].get<std::string>());
    const auto shape = numbers(value.value("shape", json()), kMaxRank);
    const auto offsets = numbers(value.value("data_offsets", json()), 2);
    if (!shape || !offsets || offsets->size() != 2) return invalid("has a bad shape or offset");
    const auto count = elements(*shape);
    const std::uint64_t begin = (*offsets)[0];
    const std::uint64_t end = (*offsets)[1];
    if (!count || begin > end || end > file_size - data_begin)
        return invalid("lies outside the file");
    entry.shape = *shape;
    entry.offset = data_begin + begin;
    entry.bytes = end - begin;
    if (entry.type != SafetensorsType::kOther && entry.bytes != *count * type_bytes(entry.type))
        return invalid("has a length that does not fit its shape");
    return entry;
}

// Our tensor's name in a Hugging Face Llama file.
std::string hugging_face_name(const TensorInfo& info) {
    const std::string layer = "model.layers." + std::to_string(info.layer) + ".";
    switch (info.kind) {
        case TensorKind::kTokenEmbedding:
            return "model.embed_tokens.weight";
        case TensorKind::kAttnNorm:
            return layer + "input_layernorm.weight";
        case TensorKind::kWq:
            return layer + "self_attn.q_proj.weight";
        case TensorKind::kWk:
            return layer + "self_attn.k_proj.weight";
        case TensorKind::kWv:
            return layer + "self_attn.v_proj.weight";
        case TensorKind::kWo:
            return layer + "self_attn.o_proj.weight";
        case TensorKind::kFfnNorm:
            return layer + "post_attention_layernorm.weight";
        case TensorKind::kWGate:
            return layer + "mlp.gate_proj.weight";
        case TensorKind::kWUp:
            return layer + "mlp.up_proj.weight";
        case TensorKind::kWDown:
            return layer + "mlp.down_proj.weight";
        case TensorKind::kFinalNorm:
            return "model.norm.weight";
        case TensorKind::kHead:
            return "lm_head.weight";
        default:
            return {};
    }
}

std::vector<std::uint64_t> expected_shape(const TensorInfo& info) {
    if (info.is_matrix) return {info.rows, info.cols};
    return {info.cols};
}

// Tensors that a Llama file may carry although nothing here needs them.
bool is_redundant(const std::string& name, const ModelConfig& config) {
    return name.ends_with("rotary_emb.inv_freq") || (config.tied_head && name == "lm_head.weight");
}

// kInvalid on anything that does not parse; nlohmann's exceptions end here.
Result<json> parse_json(std::string_view text, const std::string& what) {
    json value = json::parse(text, nullptr, false);
    if (value.is_discarded() || !value.is_object()) return invalid(what + " is not a JSON object");
    return value;
}

}  // namespace

Result<std::map<std::string, SafetensorsEntry>> read_safetensors_header(const Source& source) {
    Bytes length_bytes(8);
    RETURN_IF_ERROR(source.read(0, length_bytes));
    const std::uint64_t length = Reader(length_bytes).u64();
    if (length > kMaxSafetensorsHeader || length > source.size() - 8)
        return invalid(source.name() + ": not a safetensors file (header too long)");
    Bytes header(static_cast<std::size_t>(length));
    RETURN_IF_ERROR(source.read(8, header));
    ASSIGN_OR_RETURN(const json parsed, parse_json(as_text(header), source.name() + ": header"));
    if (parsed.size() > kMaxTensors) return invalid(source.name() + ": too many tensors");
    std::map<std::string, SafetensorsEntry> entries;
    for (const auto& [name, value] : parsed.items()) {
        if (name == "__metadata__") continue;
        auto entry = parse_entry(value, 8 + length, source.size());
        if (!entry.ok())
            return invalid(source.name() + ": tensor " + name + " " + entry.error().message);
        entries.emplace(name, *std::move(entry));
    }
    return entries;
}

Status read_safetensors_tensor(const Source& source, const SafetensorsEntry& entry,
                               std::span<float> out) {
    if (entry.type == SafetensorsType::kOther)
        return Error{ErrorCode::kUnsupported, "only F32, F16 and BF16 tensors are read"};
    CHECK(entry.bytes == out.size() * type_bytes(entry.type));
    if (entry.type == SafetensorsType::kF32) return source.read_floats(entry.offset, out);
    std::vector<std::uint16_t> narrow(std::min<std::size_t>(out.size(), 1U << 16));
    for (std::size_t at = 0; at < out.size(); at += narrow.size()) {
        const std::size_t n = std::min(narrow.size(), out.size() - at);
        RETURN_IF_ERROR(source.read(entry.offset + 2 * at,
                                    {reinterpret_cast<std::uint8_t*>(narrow.data()), 2 * n}));
        for (std::size_t i = 0; i < n; ++i)
            out[at + i] = entry.type == SafetensorsType::kF16 ? tensor::f16_to_f32(narrow[i])
                                                              : tensor::bf16_to_f32(narrow[i]);
    }
    return ok_status();
}

Result<Model> read_safetensors(const ModelConfig& config,
                               std::span<const std::unique_ptr<Source>> files) {
    RETURN_IF_ERROR(validate(config));
    const ParameterLayout layout(config);
    std::map<std::string, std::pair<const Source*, SafetensorsEntry>> found;
    std::uint64_t bytes_held = 0;
    for (const auto& file : files) {
        ASSIGN_OR_RETURN(const auto entries, read_safetensors_header(*file));
        for (const auto& [name, entry] : entries)
            if (!found.emplace(name, std::pair(file.get(), entry)).second)
                return invalid("tensor " + name + " is in two files");
        bytes_held += file->size();
    }
    // At least two bytes per parameter: nothing large is taken on the word of config.json alone.
    if (bytes_held / 2 < layout.size())
        return invalid("the files are too small for the shape in config.json");
    std::vector<float> parameters(layout.size());
    for (const TensorInfo& info : layout.tensors()) {
        const std::string name = hugging_face_name(info);
        const auto at = found.find(name);
        if (at == found.end()) return invalid("tensor " + name + " is missing");
        const auto& [source, entry] = at->second;
        if (entry.shape != expected_shape(info))
            return invalid("tensor " + name + " does not have the shape that config.json implies");
        const auto out = std::span(parameters).subspan(info.offset, info.size());
        RETURN_IF_ERROR(read_safetensors_tensor(*source, entry, out));
        found.erase(at);
    }
    for (const auto& [name, where] : found)
        if (!is_redundant(name, config))
            return Error{ErrorCode::kUnsupported,
                         "tensor " + name + " belongs to a model that this program cannot run yet"};
    RETURN_IF_ERROR(check_finite(layout, parameters));
    return make_model(config, std::move(parameters));
}

Result<Model> read_safetensors_folder(const std::string& folder) {
    const std::filesystem::path root(folder);
    const auto config_bytes = read_file((root / "config.json").string(), 1U << 20);
    if (!config_bytes.ok())
        return Error{
            config_bytes.error().code,
            config_bytes.error().message + "; a safetensors model needs its config.json beside it"};
    ASSIGN_OR_RETURN(const ModelConfig config, parse_llama_config(as_text(*config_bytes)));
    std::set<std::string> names;
    const std::string index_path = (root / "model.safetensors.index.json").string();
    if (std::filesystem::exists(index_path)) {
        ASSIGN_OR_RETURN(const Bytes text, read_file(index_path, kMaxSafetensorsHeader));
        ASSIGN_OR_RETURN(const json index, parse_json(as_text(text), index_path));
        const json map = index.value("weight_map", json::object());
        if (!map.is_object()) return invalid(index_path + ": weight_map is not an object");
        for (const auto& [tensor, file] : map.items()) {
            const std::string name = file.is_string() ? file.get<std::string>() : "";
            if (name.empty() || name.find('/') != std::string::npos || names.size() > kMaxShards)
                return invalid(index_path + ": bad file name for " + tensor);
            names.insert(name);
        }
    } else {
        names.insert("model.safetensors");
    }
    std::vector<std::unique_ptr<Source>> files;
    for (const std::string& name : names) {
        ASSIGN_OR_RETURN(FileSource file, FileSource::open((root / name).string()));
        files.push_back(std::make_unique<FileSource>(std::move(file)));
    }
    return read_safetensors(config, files);
}

}  // namespace cairn::model
