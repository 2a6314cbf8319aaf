#include "model/files/hf_folder.h"

#include <filesystem>
#include <set>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/foreign_file.h"
#include "model/files/mapped_source.h"
#include "model/files/safetensors.h"
#include "model/text/tokenizer.h"
#include "model/text/tokenizer_json.h"
#include "model/text/vocabulary.h"

namespace cairn::model {

using nlohmann::json;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMaxConfigBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxTokenizerJsonBytes = std::size_t{64} << 20;
constexpr std::size_t kMaxShards = 1024;

Result<json> read_json(const fs::path& path, std::size_t max_bytes) {
    ASSIGN_OR_RETURN(const Bytes bytes, read_genuine(path.string(), max_bytes));
    json value = json::parse(as_text(bytes), nullptr, false);
    if (value.is_discarded() || !value.is_object())
        return invalid(path.string() + " is not a JSON object");
    return value;
}

// The folder's files of weights, in order.
Result<std::set<std::string>> weight_files(const fs::path& root) {
    const fs::path index_path = root / "model.safetensors.index.json";
    if (!exists(index_path.string())) return std::set<std::string>{"model.safetensors"};
    ASSIGN_OR_RETURN(const json index, read_json(index_path, kMaxSafetensorsHeader));
    const json map = index.value("weight_map", json());
    if (!map.is_object()) return invalid(index_path.string() + ": weight_map is not an object");
    std::set<std::string> names;
    for (const auto& [tensor, file] : map.items()) {
        const std::string name = file.is_string() ? file.get<std::string>() : "";
        if (name.empty() || name.find('/') != std::string::npos || name == "..")
            return invalid(index_path.string() + ": bad file name for " + tensor);
        names.insert(name);
        if (names.size() > kMaxShards) return invalid(index_path.string() + ": too many files");
    }
    return names;
}

// Files of the whole model, and of its trunk alone, differ by a prefix.
std::string prefix_of(HfFamily family, const std::map<std::string, StoredTensor>& stored) {
    const TensorInfo embedding{TensorKind::kTokenEmbedding, 0, {}, 1, 0, 0, true};
    const std::string bare = hf_spelling(family, "", embedding).name;
    return stored.contains(bare) ? "" : std::string(hf_prefix(family));
}

// The text of a file of the folder; empty if there is none.
Result<std::string> text_of(const fs::path& path, std::size_t max_bytes) {
    if (!exists(path.string())) return std::string();
    ASSIGN_OR_RETURN(const Bytes bytes, read_genuine(path.string(), max_bytes));
    return std::string(as_text(bytes));
}

Result<TokenizerJson> tokenizer_files(const fs::path& root) {
    TokenizerJson files;
    ASSIGN_OR_RETURN(files.tokenizer, text_of(root / "tokenizer.json", kMaxTokenizerJsonBytes));
    ASSIGN_OR_RETURN(files.config, text_of(root / "tokenizer_config.json", kMaxTokenizerBytes));
    ASSIGN_OR_RETURN(files.special, text_of(root / "special_tokens_map.json", kMaxConfigBytes));
    ASSIGN_OR_RETURN(files.added, text_of(root / "added_tokens.json", kMaxConfigBytes));
    ASSIGN_OR_RETURN(files.chat_template,
                     text_of(root / "chat_template.jinja", kMaxChatTemplateBytes));
    ASSIGN_OR_RETURN(files.vocab, text_of(root / "vocab.txt", kMaxTokenizerBytes));
    return files;
}

// The tokenizer of a folder, if it has one that this program understands.
void read_tokenizer(const fs::path& root, LoadedModel& loaded) {
    const auto files = tokenizer_files(root);
    if (!files.ok()) loaded.tokenizer_problem = files.error().message;
    if (!files.ok() || (files->tokenizer.empty() && files->vocab.empty())) return;
    auto parts = read_tokenizer_json(*files);
    if (!parts.ok()) {
        loaded.tokenizer_problem = parts.error().message;
        return;
    }
    loaded.model.chat_template = parts->chat_template;
    const auto tokenizer = make_tokenizer(*std::move(parts));
    if (tokenizer.ok())
        loaded.model.tokenizer = (*tokenizer)->serialise();
    else
        loaded.tokenizer_problem = tokenizer.error().message;
}

// sentence-transformers keep beside a model how its states become one vector.
std::optional<Pooling> pooling_of(const fs::path& root) {
    const auto config = read_json(root / "1_Pooling" / "config.json", kMaxConfigBytes);
    if (!config.ok()) return std::nullopt;
    const auto is = [&](const char* key) { return config->value(key, json()) == json(true); };
    if (is("pooling_mode_cls_token")) return Pooling::kFirst;
    if (is("pooling_mode_lasttoken")) return Pooling::kLast;
    if (is("pooling_mode_mean_tokens")) return Pooling::kMean;
    return std::nullopt;
}

}  // namespace

Result<Model> read_hf_tensors(const HfConfig& hf, std::span<const SharedSource> files) {
    RETURN_IF_ERROR(validate(hf.config));
    std::map<std::string, StoredTensor> stored;
    for (const SharedSource& file : files) {
        ASSIGN_OR_RETURN(auto entries, read_safetensors_header(file));
        for (auto& [name, entry] : entries)
            if (!stored.emplace(modern_hf_name(name), std::move(entry)).second)
                return invalid("tensor " + name + " is there twice");
    }
    const std::string prefix = prefix_of(hf.family, stored);
    return assemble(
        hf.config, stored,
        [&](const TensorInfo& info) { return hf_spelling(hf.family, prefix, info); },
        [&](const std::string& name) { return is_hf_redundant(hf.family, hf.config, name); });
}

Result<LoadedModel> read_hf_folder(const std::string& folder) {
    const fs::path root(folder);
    const auto config_bytes = read_file((root / "config.json").string(), kMaxConfigBytes);
    if (!config_bytes.ok())
        return Error{config_bytes.error().code,
                     config_bytes.error().message +
                         "; a folder with a model holds config.json and model.safetensors"};
    const auto named = [&](const Error& error) {
        return Error{error.code, folder + ": " + error.message};
    };
    const auto config = parse_hf_config(as_text(*config_bytes));
    if (!config.ok()) return named(config.error());
    ASSIGN_OR_RETURN(const auto names, weight_files(root));
    std::vector<SharedSource> files;
    for (const std::string& name : names) {
        ASSIGN_OR_RETURN(SharedSource file, open_source((root / name).string()));
        files.push_back(std::move(file));
    }
    auto model = read_hf_tensors(*config, files);
    if (!model.ok()) return named(model.error());
    LoadedModel loaded{*std::move(model), "huggingface", {}};
    loaded.pooling = pooling_of(root);
    read_tokenizer(root, loaded);
    return loaded;
}

}  // namespace cairn::model
