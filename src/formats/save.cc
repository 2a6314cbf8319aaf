#include "formats/save.h"

#include <filesystem>

#include "base/files.h"
#include "formats/checkpoint.h"
#include "formats/gguf_writer.h"
#include "formats/hf_writer.h"
#include "formats/retype.h"

namespace cairn::formats {

namespace fs = std::filesystem;

std::string_view model_format_name(ModelFormat format) {
    switch (format) {
        case ModelFormat::kCairn:
            return "cairn";
        case ModelFormat::kGguf:
            return "gguf";
        case ModelFormat::kHuggingFace:
            return "hf";
    }
    return {};
}

Result<ModelFormat> model_format_for(const std::string& path, const std::string& name) {
    for (const ModelFormat format :
         {ModelFormat::kCairn, ModelFormat::kGguf, ModelFormat::kHuggingFace})
        if (name == model_format_name(format)) return format;
    if (!name.empty())
        return invalid("unknown format '" + name + "'; the formats are cairn, gguf, hf");
    const std::string extension = fs::path(path).extension().string();
    if (extension == ".cairn") return ModelFormat::kCairn;
    if (extension == ".gguf") return ModelFormat::kGguf;
    if (extension.empty() || is_folder(path)) return ModelFormat::kHuggingFace;
    return invalid(path + " ends neither in .cairn nor in .gguf; say --to cairn, gguf or hf");
}

Status save_model(const model::Model& model, ModelFormat format, const std::string& path,
                  const WriteOptions& options) {
    if (model.config.crosses())
        return Error{ErrorCode::kUnsupported, "half of an encoder-decoder is not written"};
    if (format == ModelFormat::kGguf) return write_gguf(model, path, options);
    if (format == ModelFormat::kHuggingFace) return write_hf_folder(model, path, options);
    RETURN_IF_ERROR(check_target(path, options.replace));
    if (!options.type) return save_checkpoint(model, path, options.replace, options.progress);
    // Two halves: changing the type, and writing.
    const auto half = [&](bool second) -> WriteProgress {
        if (!options.progress) return {};
        return [&options, second](std::uint64_t done, std::uint64_t total) {
            options.progress((second ? total : 0) + done, 2 * total);
        };
    };
    ASSIGN_OR_RETURN(const model::Model smaller,
                     retype(model, options.type, model.config.rope_interleaved, half(false)));
    return save_checkpoint(smaller, path, options.replace, half(true));
}

}  // namespace cairn::formats
