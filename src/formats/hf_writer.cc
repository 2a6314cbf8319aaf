#include "formats/hf_writer.h"

#include <algorithm>
#include <filesystem>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "formats/hf_config.h"
#include "formats/safetensors.h"
#include "formats/source.h"
#include "text/tokenizer.h"
#include "text/tokenizer_json.h"

namespace cairn::formats {

using json = nlohmann::ordered_json;
using tensor::WeightType;
namespace fs = std::filesystem;

namespace {

constexpr const char* kSingle = "model.safetensors";
constexpr const char* kPoolingFolder = "1_Pooling";
constexpr const char* kIndex = "model.safetensors.index.json";

// What else a folder may say about its tokenizer, taken over as it is.
constexpr const char* kCarried[] = {"tokenizer.json",      "tokenizer_config.json",
                                    "tokenizer.model",     "special_tokens_map.json",
                                    "added_tokens.json",   "vocab.json",
                                    "vocab.txt",           "merges.txt",
                                    "chat_template.jinja", "generation_config.json"};

bool is_plain(WeightType type) {
    return type == WeightType::kF32 || type == WeightType::kF16 || type == WeightType::kBf16;
}

// Tensors of one file, as a range of the list.
struct Shard {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::uint64_t bytes = 0;
};

std::vector<Shard> cut(const std::vector<ExportTensor>& tensors, std::uint64_t shard_bytes) {
    std::vector<Shard> shards(1);
    for (std::size_t i = 0; i < tensors.size(); ++i) {
        Shard* last = &shards.back();
        const bool full = shard_bytes != 0 && last->bytes + tensors[i].bytes > shard_bytes;
        if (full && last->begin != last->end) last = &shards.emplace_back(Shard{i, i, 0});
        last->end = i + 1;
        last->bytes += tensors[i].bytes;
    }
    return shards;
}

std::string shard_name(std::size_t i, std::size_t count) {
    return count == 1 ? kSingle : fmt::format("model-{:05}-of-{:05}.safetensors", i + 1, count);
}

// Weights that an older model left in the folder.
bool is_weights(const std::string& name) {
    return name == kSingle || name == kIndex ||
           (name.starts_with("model-") && name.ends_with(".safetensors"));
}

// Files that are complete but have no names yet.
class Folder {
  public:
    Folder(std::string path, Replace replace) : path_(std::move(path)), replace_(replace) {}
    ~Folder() {
        if (!inner_.empty() && !committed_) (void)remove_file(path_ + "/" + inner_);
        if (created_ && !committed_) (void)remove_file(path_);
    }

    Status make() {
        created_ = !exists(path_);
        return make_folders(path_);
    }

    // A folder inside it, which disappears with it.
    Status make_within(const std::string& name) {
        const std::string path = path_ + "/" + name;
        if (!exists(path)) inner_ = name;
        return make_folders(path);
    }

    Result<FileWriter*> file(const std::string& name, std::uint64_t bytes) {
        const std::string path = path_ + "/" + name;
        RETURN_IF_ERROR(check_target(path, replace_));
        ASSIGN_OR_RETURN(auto writer, FileWriter::create(path, bytes));
        names_.push_back(name);
        files_.push_back(std::move(writer));
        return files_.back().get();
    }

    Status text(const std::string& name, std::string_view content) {
        ASSIGN_OR_RETURN(FileWriter * writer, file(name, content.size()));
        return writer->write(as_bytes(content));
    }

    Status commit() {
        for (const auto& file : files_) RETURN_IF_ERROR(file->sync());
        for (const auto& file : files_) RETURN_IF_ERROR(file->commit(replace_));
        committed_ = true;
        ASSIGN_OR_RETURN(const std::vector<std::string> names, list_folder(path_));
        for (const std::string& name : names) {
            const bool ours = std::find(names_.begin(), names_.end(), name) != names_.end();
            if (!ours && is_weights(name)) RETURN_IF_ERROR(remove_file(path_ + "/" + name));
        }
        return ok_status();
    }

  private:
    std::string path_;
    Replace replace_;
    bool created_ = false;
    bool committed_ = false;
    std::string inner_;
    std::vector<std::string> names_;
    std::vector<std::unique_ptr<FileWriter>> files_;
};

// In the form of the sentence-transformers library; see hf_folder.cc.
std::string pooling_config(model::Pooling pooling, std::uint32_t dim) {
    const json object = {{"word_embedding_dimension", dim},
                         {"pooling_mode_cls_token", pooling == model::Pooling::kFirst},
                         {"pooling_mode_mean_tokens", pooling == model::Pooling::kMean},
                         {"pooling_mode_lasttoken", pooling == model::Pooling::kLast}};
    return object.dump(2) + "\n";
}

Status write_weights(const model::Model& model, const std::vector<ExportTensor>& tensors,
                     const WriteOptions& options, Folder& folder) {
    const std::vector<Shard> shards = cut(tensors, options.shard_bytes);
    std::uint64_t total = 0;
    std::uint64_t done = 0;
    for (const Shard& shard : shards) total += shard.bytes;
    json map = json::object();
    for (std::size_t i = 0; i < shards.size(); ++i) {
        const std::string name = shard_name(i, shards.size());
        const auto inside =
            std::span(tensors).subspan(shards[i].begin, shards[i].end - shards[i].begin);
        const Bytes header = safetensors_header(inside);
        ASSIGN_OR_RETURN(FileWriter * file, folder.file(name, header.size() + shards[i].bytes));
        RETURN_IF_ERROR(file->write(header));
        const Sink sink = [&](ByteView bytes) {
            done += bytes.size();
            if (options.progress) options.progress(done, total);
            return file->write(bytes);
        };
        for (const ExportTensor& tensor : inside) {
            RETURN_IF_ERROR(write_export_tensor(model, tensor, false, sink));
            map[tensor.name] = name;
        }
        CHECK(file->written() == header.size() + shards[i].bytes);
    }
    if (shards.size() == 1) return ok_status();
    const json index = {{"metadata", {{"total_size", total}}}, {"weight_map", map}};
    return folder.text(kIndex, index.dump(2) + "\n");
}

// The files about the tokenizer: the source's own, else written from the model's.
Status write_tokenizer(const model::Model& model, const WriteOptions& options, Folder& folder,
                       HfTokens& tokens) {
    text::VocabularyParts parts;
    bool known = false;
    if (!model.tokenizer.empty()) {
        ASSIGN_OR_RETURN(const auto tokenizer, text::parse_tokenizer(model.tokenizer));
        parts = tokenizer->parts();
        known = true;
        tokens = {parts.bos, parts.eos, parts.pad};
    }
    std::size_t carried = 0;
    for (const char* name : kCarried) {
        if (options.carry_from.empty()) break;
        const auto bytes =
            read_file((fs::path(options.carry_from) / name).string(), std::size_t{64} << 20);
        if (!bytes.ok()) continue;
        RETURN_IF_ERROR(folder.text(name, as_text(*bytes)));
        ++carried;
    }
    if (carried > 0 || !known) return ok_status();
    if (!model.chat_template.empty()) parts.chat_template = model.chat_template;
    const auto files = text::write_tokenizer_json(parts);
    // A folder without a tokenizer still is a model.
    if (!files.ok()) return ok_status();
    RETURN_IF_ERROR(folder.text("tokenizer.json", files->tokenizer));
    RETURN_IF_ERROR(folder.text("tokenizer_config.json", files->config));
    json generation = json::object();
    if (parts.bos) generation["bos_token_id"] = *parts.bos;
    if (parts.eos && parts.eot && *parts.eos != *parts.eot)
        generation["eos_token_id"] = {*parts.eos, *parts.eot};
    else if (parts.eos)
        generation["eos_token_id"] = *parts.eos;
    return folder.text("generation_config.json", generation.dump(2) + "\n");
}

}  // namespace

Status write_hf_folder(const model::Model& model, const std::string& path,
                       const WriteOptions& options) {
    if (options.type && !is_plain(*options.type))
        return Error{ErrorCode::kUnsupported,
                     fmt::format("a Hugging Face folder holds f32, f16 or bf16, not {}; write it "
                                 "as .gguf or .cairn",
                                 tensor::weight_type_name(*options.type))};
    ASSIGN_OR_RETURN(const HfFamily family, hf_family_of(model.config));
    const ExportFormat format{
        [&](const model::TensorInfo& info) { return hf_place(family, hf_prefix(family), info); },
        false,
        [&](const model::TensorInfo& info, WeightType current) {
            if (options.type) return *options.type;
            return info.is_matrix && is_plain(current) ? current : WeightType::kF32;
        }};
    ASSIGN_OR_RETURN(const std::vector<ExportTensor> tensors, tensors_to_export(model, format));
    Folder folder(path, options.replace);
    RETURN_IF_ERROR(check_target((fs::path(path) / "config.json").string(), options.replace));
    RETURN_IF_ERROR(folder.make());
    RETURN_IF_ERROR(write_weights(model, tensors, options, folder));
    HfTokens tokens;
    RETURN_IF_ERROR(write_tokenizer(model, options, folder, tokens));
    const std::string config = render_hf_config(model.config, family, tokens, tensors.front().type);
    RETURN_IF_ERROR(folder.text("config.json", config));
    if (options.pooling && family == HfFamily::kBert) {
        RETURN_IF_ERROR(folder.make_within(kPoolingFolder));
        RETURN_IF_ERROR(folder.text(std::string(kPoolingFolder) + "/config.json",
                                    pooling_config(*options.pooling, model.config.dim)));
    }
    return folder.commit();
}

}  // namespace cairn::formats
