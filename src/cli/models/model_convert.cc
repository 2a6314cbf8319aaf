// `cairn model convert`.
#include <filesystem>
#include <map>
#include <ostream>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/outputs.h"
#include "base/progress.h"
#include "base/text.h"
#include "cli/local_model.h"
#include "cli/models/model_command.h"
#include "console/json_line.h"
#include "formats/export_tensor.h"
#include "formats/file_writer.h"
#include "formats/save.h"

namespace cairn::cli {

namespace fs = std::filesystem;

namespace {

// "2GB", "500MB", "64KB", "1000000".
Result<std::uint64_t> parse_size(const std::string& text) {
    if (text.empty()) return std::uint64_t{0};
    std::uint64_t number = 0;
    std::size_t at = 0;
    constexpr std::size_t kMostDigits = 18;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9' && at < kMostDigits; ++at)
        number = number * 10 + static_cast<std::uint64_t>(text[at] - '0');
    const std::string unit = text.substr(at);
    std::uint64_t scale = 0;
    if (unit.empty() || unit == "B") scale = 1;
    if (unit == "KB") scale = 1000;
    if (unit == "MB") scale = 1000000;
    if (unit == "GB") scale = 1000000000;
    if (at == 0 || number == 0 || scale == 0 || number > UINT64_MAX / scale)
        return misused("--shard-size '" + printable_line(text) +
                       "' is not a size; write it as 500MB or 2GB");
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

// What the command reads.
std::vector<NamedPath> inputs_of(const ModelRequest& request) {
    std::vector<NamedPath> inputs{{"--model", request.model}, {"--tokenizer", request.tokenizer}};
    const bool folder = is_folder(request.model);
    if (!folder && !request.model.ends_with(".safetensors")) return inputs;
    const std::string root = folder ? request.model : folder_of(request.model);
    if (const auto names = list_folder(root); names.ok())
        for (const std::string& name : *names) inputs.push_back({"--model", root + "/" + name});
    return inputs;
}

// Whether the output can be written and is none of the inputs: asked before the model is read.
Status check_out(const ModelRequest& request, formats::ModelFormat format) {
    const auto replace = request.force ? formats::Replace::kYes : formats::Replace::kNo;
    const std::vector<NamedPath> inputs = inputs_of(request);
    if (format != formats::ModelFormat::kHuggingFace) {
        for (const NamedPath& input : inputs)
            if (same_file(input.path, request.out))
                return check_outputs({{"--out", request.out}}, inputs);
        RETURN_IF_ERROR(formats::check_target(request.out, replace));
        return check_outputs({{"--out", request.out}}, inputs);
    }
    for (const std::string& input : {request.model, request.tokenizer})
        if (!input.empty() && same_file(is_folder(input) ? input : folder_of(input), request.out))
            return Error{ErrorCode::kRefused, "--out " + request.out + " is the folder of " +
                                                  input +
                                                  ", which the command reads: name another"};
    if (is_file(request.out))
        return Error{ErrorCode::kRefused,
                     "--out " + request.out + " is a file, and a folder is wanted (--to hf)"};
    const std::string config = request.out + "/config.json";
    RETURN_IF_ERROR(formats::check_target(config, replace));
    return check_outputs({{"--out", is_folder(request.out) ? config : request.out}}, inputs);
}

// The model's tokenizer travels with it; without one the model alone is converted.
Status attach_tokenizer(const ModelRequest& request, formats::LoadedModel& loaded) {
    const auto tokenizer = formats::find_tokenizer(loaded, request.model, request.tokenizer);
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
        if (formats::falls_back_to_f16(info, type)) found[info.cols].push_back(info.name);
    return found;
}

}  // namespace

Status run_model_convert(const ModelRequest& request, std::ostream& out) {
    const auto format_named = formats::model_format_for(request.out, request.format);
    if (!format_named.ok()) return misused(format_named.error().message);
    const formats::ModelFormat format = *format_named;
    formats::WriteOptions options;
    if (!request.type.empty()) {
        const auto type = tensor::parse_weight_type(request.type);
        if (!type.ok()) return misused("--type: " + type.error().message);
        options.type = *type;
    }
    if (!request.shard_size.empty() && format != formats::ModelFormat::kHuggingFace)
        return misused("--shard-size is for Hugging Face folders (--to hf), and " + request.out +
                       " is to be " + std::string(formats::model_format_name(format)));
    ASSIGN_OR_RETURN(options.shard_bytes, parse_size(request.shard_size));
    RETURN_IF_ERROR(check_exists("--model", request.model));
    RETURN_IF_ERROR(check_out(request, format));
    options.replace = request.force ? formats::Replace::kYes : formats::Replace::kNo;
    ASSIGN_OR_RETURN(formats::LoadedModel loaded, formats::load_any(request.model));
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
    RETURN_IF_ERROR(formats::save_model(loaded.model, format, request.out, options));
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
                                       {"to", formats::model_format_name(format)},
                                       {"type", request.type},
                                       {"bytes", bytes},
                                       {"fallbacks", others},
                                       {"tokenizer", with_tokenizer}};
        out << console::json_line(object);
        return ok_status();
    }
    out << fmt::format("{}: {:.1f} MB written from {}, {}\n", request.out,
                       static_cast<double>(bytes) / 1e6, loaded.format,
                       with_tokenizer ? "with its tokenizer" : "without a tokenizer");
    if (format == formats::ModelFormat::kCairn && loaded.pooling &&
        *loaded.pooling != model::default_pooling(loaded.model.config))
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
