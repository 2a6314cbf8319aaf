#include "formats/hf_folder.h"

#include <filesystem>
#include <set>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/foreign_file.h"
#include "formats/encoder_decoder_checkpoint.h"
#include "formats/hf_encoder_decoder.h"
#include "formats/mapped_source.h"
#include "formats/safetensors.h"
#include "formats/strict_json.h"
#include "text/tokenizer.h"
#include "text/tokenizer_json.h"
#include "text/vocabulary.h"

namespace cairn::formats {

using nlohmann::json;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMaxConfigBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxTokenizerJsonBytes = std::size_t{64} << 20;
constexpr std::size_t kMaxShards = 1024;

Result<json> read_json(const fs::path& path, std::size_t max_bytes) {
    ASSIGN_OR_RETURN(const Bytes bytes, read_checked_file(path.string(), max_bytes));
    return parse_strict_json(as_text(bytes), path.string());
}

// Which file has which tensor.
using WeightMap = std::map<std::string, std::string>;

Result<WeightMap> read_index(const fs::path& path) {
    ASSIGN_OR_RETURN(const json index, read_json(path, kMaxSafetensorsHeader));
    const json map = index.value("weight_map", json());
    if (!map.is_object()) return invalid(path.string() + ": weight_map is not an object");
    WeightMap places;
    for (const auto& [tensor, file] : map.items()) {
        const std::string name = file.is_string() ? file.get<std::string>() : "";
        if (name.empty() || name.find('/') != std::string::npos || name == "..")
            return invalid(path.string() + ": bad file name for " + tensor);
        places.emplace(tensor, name);
    }
    return places;
}

bool looks_like_shard(const std::string& name) {
    return name.starts_with("model-") && name.ends_with(".safetensors");
}

Error no_weights(const fs::path& root, const std::vector<std::string>& names) {
    const std::string where = root.string();
    for (const std::string& name : names) {
        if (name.ends_with(".gguf")) return invalid(where + " is no model itself: name " + name);
        if (name == "adapter_model.safetensors")
            return Error{ErrorCode::kUnsupported,
                         where + " holds an adapter (LoRA), not a model; merge it into its model"};
        if (name.ends_with(".bin") || name.ends_with(".pth") || name.ends_with(".pt"))
            return Error{ErrorCode::kUnsupported,
                         where + " has no model.safetensors; " + name +
                             " is a PyTorch pickle, which can run code when it is read"};
    }
    return not_found(where + " has no model.safetensors: the download is not complete");
}

// The folder's files of weights, in order, as transformers finds them: one file, else an index.
// Whatever looks like a part of the model must be one.
Result<std::set<std::string>> weight_files(const fs::path& root, WeightMap& places) {
    const fs::path index_path = root / "model.safetensors.index.json";
    ASSIGN_OR_RETURN(const auto names, list_folder(root.string()));
    if (exists((root / "model.safetensors").string()))
        return std::set<std::string>{"model.safetensors"};
    if (!exists(index_path.string())) return no_weights(root, names);
    ASSIGN_OR_RETURN(places, read_index(index_path));
    std::set<std::string> listed;
    for (const auto& [tensor, file] : places) listed.insert(file);
    if (listed.size() > kMaxShards) return invalid(index_path.string() + ": too many files");
    for (const std::string& name : listed)
        if (!exists((root / name).string()))
            return not_found(with_lost_target((root / name).string()) + " is not there, but " +
                             index_path.filename().string() +
                             " lists it: the download is not complete");
    for (const std::string& name : names)
        if (looks_like_shard(name) && !listed.contains(name))
            return invalid((root / name).string() +
                           " is in no index: it belongs to another model; take it away");
    return listed;
}

// Checks that every tensor is in the file that the index names, and that the index lists them all.
Status check_places(const WeightMap& places, const std::map<std::string, std::string>& found) {
    for (const auto& [tensor, file] : places) {
        const auto at = found.find(tensor);
        if (at == found.end() || at->second != file)
            return invalid("the index says that tensor " + tensor + " is in " + file +
                           ", and it is not");
    }
    for (const auto& [tensor, file] : found)
        if (!places.contains(tensor))
            return invalid("tensor " + tensor + " of " + file + " is not in the index");
    return ok_status();
}

// If the head is tied but a file also stores one, it must equal the embedding: where they differ,
// some versions of transformers tie them and some do not.
Status check_tied(const HfConfig& hf, const std::string& prefix,
                  const std::map<std::string, StoredTensor>& stored) {
    const auto head = stored.find("lm_head.weight");
    if (!hf.config.has_head() || !hf.config.tied_head || head == stored.end()) return ok_status();
    const model::TensorInfo info{model::TensorKind::kTokenEmbedding, 0, {}, 1, 0, 0, true};
    const auto embedding = stored.find(hf_place(hf.family, prefix, info).name);
    if (embedding == stored.end()) return ok_status();  // assemble() will report it as missing
    ASSIGN_OR_RETURN(const bool same, is_same(head->second, embedding->second));
    if (!same)
        return invalid(
            "config.json says tie_word_embeddings, but lm_head.weight is not the embedding; set it "
            "to false, or leave that tensor out");
    return ok_status();
}

// Tensor names have a prefix if the whole model was saved, and none if only its trunk was.
std::string prefix_of(HfFamily family, const std::map<std::string, StoredTensor>& stored) {
    const model::TensorInfo embedding{model::TensorKind::kTokenEmbedding, 0, {}, 1, 0, 0, true};
    const std::string bare = hf_place(family, "", embedding).name;
    return stored.contains(bare) ? "" : std::string(hf_prefix(family));
}

// The text of a file of the folder; empty if there is none.
Result<std::string> text_of(const fs::path& path, std::size_t max_bytes) {
    if (!exists(path.string())) return std::string();
    ASSIGN_OR_RETURN(const Bytes bytes, read_checked_file(path.string(), max_bytes));
    return std::string(as_text(bytes));
}

Result<text::TokenizerJson> tokenizer_files(const fs::path& root) {
    text::TokenizerJson files;
    ASSIGN_OR_RETURN(files.tokenizer, text_of(root / "tokenizer.json", kMaxTokenizerJsonBytes));
    ASSIGN_OR_RETURN(files.config,
                     text_of(root / "tokenizer_config.json", text::kMaxTokenizerBytes));
    ASSIGN_OR_RETURN(files.special, text_of(root / "special_tokens_map.json", kMaxConfigBytes));
    ASSIGN_OR_RETURN(files.added, text_of(root / "added_tokens.json", kMaxConfigBytes));
    ASSIGN_OR_RETURN(files.generation, text_of(root / "generation_config.json", kMaxConfigBytes));
    ASSIGN_OR_RETURN(files.model_config, text_of(root / "config.json", kMaxConfigBytes));
    ASSIGN_OR_RETURN(files.chat_template,
                     text_of(root / "chat_template.jinja", text::kMaxChatTemplateBytes));
    ASSIGN_OR_RETURN(files.vocab, text_of(root / "vocab.txt", text::kMaxTokenizerBytes));
    return files;
}

// The tokenizer of a folder, if it has one that this program understands.
void read_tokenizer(const fs::path& root, LoadedModel& loaded) {
    const auto files = tokenizer_files(root);
    if (!files.ok()) loaded.tokenizer_problem = files.error().message;
    if (!files.ok() || (files->tokenizer.empty() && files->vocab.empty())) return;
    auto parts = text::read_tokenizer_json(*files);
    if (!parts.ok()) {
        loaded.tokenizer_problem = parts.error().message;
        return;
    }
    loaded.model.chat_template = parts->chat_template;
    const auto tokenizer = text::make_tokenizer(*std::move(parts));
    if (tokenizer.ok())
        loaded.model.tokenizer = (*tokenizer)->serialise();
    else
        loaded.tokenizer_problem = tokenizer.error().message;
}

// The sentence-transformers library stores the kind of pooling in a file beside the model.
std::optional<model::Pooling> pooling_of(const fs::path& root) {
    const auto config = read_json(root / "1_Pooling" / "config.json", kMaxConfigBytes);
    if (!config.ok()) return std::nullopt;
    const auto is = [&](const char* key) { return config->value(key, json()) == json(true); };
    if (is("pooling_mode_cls_token")) return model::Pooling::kFirst;
    if (is("pooling_mode_lasttoken")) return model::Pooling::kLast;
    if (is("pooling_mode_mean_tokens")) return model::Pooling::kMean;
    return std::nullopt;
}

}  // namespace

Result<std::map<std::string, StoredTensor>> stored_hf_tensors(std::span<const SharedSource> files) {
    std::map<std::string, StoredTensor> stored;
    for (const SharedSource& file : files) {
        ASSIGN_OR_RETURN(auto entries, read_safetensors_header(file));
        for (auto& [name, entry] : entries)
            if (!stored.emplace(modern_hf_name(name), std::move(entry)).second)
                return invalid("tensor " + name + " is there twice");
    }
    return stored;
}

Result<model::Model> read_hf_tensors(const HfConfig& hf, std::span<const SharedSource> files) {
    RETURN_IF_ERROR(model::validate(hf.config));
    CHECK(!hf.encoder);
    ASSIGN_OR_RETURN(const auto stored, stored_hf_tensors(files));
    const std::string prefix = prefix_of(hf.family, stored);
    RETURN_IF_ERROR(check_tied(hf, prefix, stored));
    return assemble(
        hf.config, stored,
        [&](const model::TensorInfo& info) { return hf_place(hf.family, prefix, info); },
        [&](const std::string& name) { return is_hf_redundant(hf.family, hf.config, name); });
}

namespace {

Status read_one(const HfConfig& hf, std::span<const SharedSource> files, LoadedModel& loaded) {
    ASSIGN_OR_RETURN(loaded.model, read_hf_tensors(hf, files));
    return ok_status();
}

Status read_encoder_decoder(const fs::path& root, std::string_view config_json, const HfConfig& hf,
                            std::span<const SharedSource> files, LoadedModel& loaded) {
    ASSIGN_OR_RETURN(const std::string generation,
                     text_of(root / "generation_config.json", kMaxConfigBytes));
    ASSIGN_OR_RETURN(auto begins, first_decoder_tokens(config_json, generation, hf.config.vocab));
    ASSIGN_OR_RETURN(auto stored, stored_hf_tensors(files));
    ASSIGN_OR_RETURN(HfEncoderDecoder halves, read_hf_encoder_decoder(hf, std::move(stored)));
    loaded.model = std::move(halves.decoder);
    loaded.encoder = EncoderHalf{std::move(halves.encoder), std::move(begins)};
    return ok_status();
}

}  // namespace

Result<LoadedModel> read_hf_folder(const std::string& folder, EncoderDecoders encoder_decoders) {
    const fs::path root(folder);
    const auto config_bytes = read_checked_file((root / "config.json").string(), kMaxConfigBytes);
    if (!config_bytes.ok() && !exists((root / "config.json").string()))
        if (const auto names = list_folder(folder); names.ok())
            for (const std::string& name : *names)
                if (name.ends_with(".gguf") || name == "adapter_model.safetensors")
                    return no_weights(root, {name});
    if (!config_bytes.ok())
        return Error{config_bytes.error().code,
                     config_bytes.error().message +
                         "; a folder with a model holds config.json and model.safetensors"};
    const auto named = [&](const Error& error) { return error.with_prefix(folder); };
    const auto config = parse_hf_config(as_text(*config_bytes));
    if (!config.ok()) return named(config.error());
    if (config->encoder && encoder_decoders == EncoderDecoders::kRefused)
        return encoder_decoder_refused(folder);
    WeightMap places;
    ASSIGN_OR_RETURN(const auto names, weight_files(root, places));
    std::vector<SharedSource> files;
    std::map<std::string, std::string> found;
    for (const std::string& name : names) {
        ASSIGN_OR_RETURN(SharedSource file, open_source((root / name).string()));
        if (!places.empty()) {
            ASSIGN_OR_RETURN(const auto entries, read_safetensors_header(file));
            for (const auto& [tensor, entry] : entries)
                if (!found.emplace(tensor, name).second)
                    return invalid(folder + ": tensor " + tensor + " is in " + found[tensor] +
                                   " and in " + name);
        }
        files.push_back(std::move(file));
    }
    if (const Status placed = check_places(places, found); !placed.ok())
        return named(placed.error());
    LoadedModel loaded;
    loaded.format = "huggingface";
    const Status read =
        config->encoder ? read_encoder_decoder(root, as_text(*config_bytes), *config, files, loaded)
                        : read_one(*config, files, loaded);
    if (!read.ok()) return named(read.error());
    loaded.pooling = pooling_of(root);
    read_tokenizer(root, loaded);
    return loaded;
}

}  // namespace cairn::formats
