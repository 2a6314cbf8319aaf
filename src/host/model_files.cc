#include "host/model_files.h"

#include <sys/stat.h>

#include <algorithm>

#include <fmt/core.h>

#include "base/files.h"
#include "formats/load.h"
#include "formats/writes_text.h"

namespace cairn::host {

namespace {

// What is known of a file without reading it, which changes when the file does.
std::string stamp(const std::string& path) {
    struct stat about = {};
    if (::stat(path.c_str(), &about) != 0) return "none;";
    return fmt::format("{} {} {} {}.{:09};", about.st_dev, about.st_ino, about.st_size,
                       about.st_mtim.tv_sec, about.st_mtim.tv_nsec);
}

// Of all that a model's reader may look at: the file, or the folder's files, and what lies beside a
// file with the name of a tokenizer. Empty if it cannot be told.
std::string version_of(const std::string& path) {
    const bool folder = is_folder(path);
    const std::string beside = folder ? path : folder_of(path);
    std::string version = stamp(path);
    const auto names = list_folder(beside);
    if (!names.ok()) return {};
    for (const std::string& name : *names)
        if (folder || name.starts_with("tok") || name == "vocab.txt" || name == "config.json")
            version += name + " " + stamp(beside + "/" + name);
    return version;
}

class FileModel final : public ModelSource {
  public:
    FileModel(std::string id, std::string path, bool at_start)
        : id_(std::move(id)),
          path_(std::move(path)),
          at_start_(at_start),
          writes_(formats::writes_text(path_)) {}

    std::string id() const override { return id_; }
    std::int64_t created_s() const override {
        const auto changed = changed_at_s(path_);
        return changed.ok() ? *changed : 0;
    }
    std::optional<bool> writes() const override { return writes_; }
    bool at_start() const override { return at_start_; }
    Result<OpenedModel> open() override {
        OpenedModel opened;
        const std::string version = version_of(path_);
        ASSIGN_OR_RETURN(opened.loaded, formats::load_any(path_));
        auto tokenizer = formats::find_tokenizer(opened.loaded, path_, "");
        if (tokenizer.ok())
            opened.tokenizer = std::move(*tokenizer);
        else
            opened.tokenizer_problem = tokenizer.error().message;
        if (version == version_of(path_)) opened.version = version;  // nothing came in between
        return opened;
    }

  private:
    std::string id_;
    std::string path_;
    bool at_start_;
    std::optional<bool> writes_;
};

bool is_model_folder(const std::string& path) {
    return is_file(path + "/config.json") || is_file(path + "/model.safetensors") ||
           is_file(path + "/model.safetensors.index.json");
}

bool is_model_file(const std::string& name) {
    return name.ends_with(".gguf") || name.ends_with(".cairn");
}

std::string plain_path(std::string path) {
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    return path;
}

class Collector {
  public:
    Status add(const std::string& path) {
        ASSIGN_OR_RETURN(const FileKind kind, file_kind(path));
        if (kind == FileKind::kNone)
            return not_found("cannot open " + with_lost_target(path) +
                             ": there is no such file or folder");
        if (kind != FileKind::kFolder || is_model_folder(path)) return add_model(path, true);
        ASSIGN_OR_RETURN(const std::vector<std::string> names, list_folder(path));
        const std::size_t before = models_.size();
        for (const std::string& name : names) {
            const std::string inside = path + "/" + name;
            if (is_file(inside) ? is_model_file(name) : is_model_folder(inside))
                RETURN_IF_ERROR(add_model(inside, false));
        }
        if (models_.size() == before)
            return not_found(path +
                             " holds no model: neither *.gguf or *.cairn files nor folders with a "
                             "config.json");
        return ok_status();
    }
    std::vector<std::unique_ptr<ModelSource>> take() { return std::move(models_); }

  private:
    Status add_model(const std::string& path, bool at_start) {
        if (models_.size() == kMaxHostedModels)
            return Error{ErrorCode::kFull, fmt::format("at most {} models", kMaxHostedModels)};
        std::string name = name_of(path);
        if (is_file(path))
            for (const std::string_view ending : {".gguf", ".cairn", ".bin", ".safetensors"})
                if (name.ends_with(ending) && name.size() > ending.size()) {
                    name.resize(name.size() - ending.size());
                    break;
                }
        std::string id = name;
        for (int number = 2; is_taken(id); ++number) id = fmt::format("{}-{}", name, number);
        models_.push_back(std::make_unique<FileModel>(std::move(id), path, at_start));
        return ok_status();
    }

    bool is_taken(const std::string& id) const {
        return std::ranges::any_of(models_, [&](const auto& model) { return model->id() == id; });
    }

    std::vector<std::unique_ptr<ModelSource>> models_;
};

}  // namespace

Result<std::vector<std::unique_ptr<ModelSource>>> model_files(
    const std::vector<std::string>& paths) {
    Collector collector;
    for (const std::string& path : paths) RETURN_IF_ERROR(collector.add(plain_path(path)));
    return collector.take();
}

}  // namespace cairn::host
