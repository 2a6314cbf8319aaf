// `cairn model convert`.
#include <filesystem>
#include <map>
#include <ostream>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/progress.h"
#include "cli/local_model.h"
#include "cli/models/model_command.h"
#include "model/files/outgoing.h"
#include "model/files/save.h"

namespace cairn::cli {

namespace fs = std::filesystem;

namespace {

// "2GB", "500MB", "64KB", "1000000".
Result<std::uint64_t> parse_size(const std::string& text) {
    if (text.empty()) return std::uint64_t{0};
    std::uint64_t number = 0;
    std::size_t at = 0;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9' && at < 15; ++at)
        number = number * 10 + static_cast<std::uint64_t>(text[at] - '0');
    const std::string unit = text.substr(at);
    std::uint64_t scale = 0;
    if (unit.empty() || unit == "B") scale = 1;
    if (unit == "KB") scale = 1000;
    if (unit == "MB") scale = 1000000;
    if (unit == "GB") scale = 1000000000;
    if (at == 0 || number == 0 || scale == 0 || number > UINT64_MAX / scale)
        return invalid("--shard-size " + text + " is not a size; write it as 500MB or 2GB");
    return number * scale;
}

std::uint64_t size_on_disk(const std::string& path) {
    if (!is_folder(path)) {
        const auto size = file_size(path);
        return size.ok() ? *size : 0;
    }
    std::uint64_t total = 0;
    if (const auto names = list_folder(path); names.ok())
        for (const std::string& name : *names)
            if (is_file(path + "/" + name)) total += size_on_disk(path + "/" + name);
    return total;
}

// The model's tokenizer travels with it; without one the model alone is converted.
Status attach_tokenizer(const ModelRequest& request, model::LoadedModel& loaded) {
    const auto tokenizer = model::find_tokenizer(loaded, request.model, request.tokenizer);
    if (tokenizer.ok())
        loaded.model.tokenizer = (*tokenizer)->serialise();
    else if (!request.tokenizer.empty())
        return tokenizer.error();
    return ok_status();
}

// Matrices whose rows the wanted type cannot hold: what they become, by the length of the rows.
std::map<std::uint64_t, std::vector<std::string>> fallbacks(const model::Model& model,
                                                            tensor::WeightType type) {
    std::map<std::uint64_t, std::vector<std::string>> found;
    const model::ParameterLayout layout = model.layout();
    for (const model::TensorInfo& info : layout.tensors())
        if (model::falls_back(info, type)) found[info.cols].push_back(info.name);
    return found;
}

}  // namespace

Status run_model_convert(const ModelRequest& request, std::ostream& out) {
    ASSIGN_OR_RETURN(const model::ModelFormat format,
                     model::model_format_for(request.out, request.format));
    model::WriteOptions options;
    if (!request.type.empty()) {
        ASSIGN_OR_RETURN(options.type, tensor::parse_weight_type(request.type));
    }
    ASSIGN_OR_RETURN(options.shard_bytes, parse_size(request.shard_size));
    if (options.shard_bytes != 0 && format != model::ModelFormat::kHuggingFace)
        return invalid("--shard-size is for Hugging Face folders");
    options.replace = request.force ? model::Replace::kYes : model::Replace::kNo;
    ASSIGN_OR_RETURN(model::LoadedModel loaded, model::load_any(request.model));
    RETURN_IF_ERROR(attach_tokenizer(request, loaded));
    options.pooling = loaded.pooling;
    options.name = fs::path(request.model).stem().string();
    if (loaded.format == "huggingface" && request.tokenizer.empty())
        options.carry_from = is_folder(request.model) ? request.model : folder_of(request.model);
    const SystemClock clock;
    Progress progress(clock, "writing", 1000);
    options.progress = [&](std::uint64_t done, std::uint64_t total) {
        progress.update(total == 0 ? 0 : done * 1000 / total);
    };
    RETURN_IF_ERROR(model::save_model(loaded.model, format, request.out, options));
    std::map<std::uint64_t, std::vector<std::string>> narrow;
    if (options.type) narrow = fallbacks(loaded.model, *options.type);
    const bool with_tokenizer = !loaded.model.tokenizer.empty();
    const std::uint64_t bytes = size_on_disk(request.out);
    if (request.json) {
        nlohmann::json others = nlohmann::json::array();
        for (const auto& [cols, names] : narrow)
            for (const std::string& name : names)
                others.push_back({{"name", name}, {"cols", cols}, {"type", "f16"}});
        const nlohmann::json object = {{"out", request.out},
                                       {"from", loaded.format},
                                       {"to", model::model_format_name(format)},
                                       {"type", request.type},
                                       {"bytes", bytes},
                                       {"fallbacks", others},
                                       {"tokenizer", with_tokenizer}};
        out << object.dump() << '\n';
        return ok_status();
    }
    out << fmt::format("{}: {:.1f} MB written from {}, {}\n", request.out,
                       static_cast<double>(bytes) / 1e6, loaded.format,
                       with_tokenizer ? "with its tokenizer" : "without a tokenizer");
    if (format == model::ModelFormat::kCairn && loaded.pooling &&
        *loaded.pooling != model::usual_pooling(loaded.model.config))
        out << fmt::format(
            "  a .cairn file does not say how vectors are pooled: cairn embed "
            "--pooling {}\n",
            model::pooling_name(*loaded.pooling));
    for (const auto& [cols, names] : narrow)
        out << fmt::format(
            "  {} {} written as f16: rows of {} are no multiple of the {} that {} wants ({}{})\n",
            names.size(), names.size() == 1 ? "matrix is" : "matrices are", cols,
            tensor::weight_group(*options.type), request.type, names.front(),
            names.size() == 1 ? "" : ", ...");
    if (!with_tokenizer && !loaded.tokenizer_problem.empty())
        out << "  its tokenizer was left out: " << loaded.tokenizer_problem << '\n';
    return ok_status();
}

}  // namespace cairn::cli
