#include "cli/models/model_target.h"

#include <map>
#include <ostream>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/progress.h"
#include "base/text.h"
#include "cli/options.h"
#include "formats/export_tensor.h"

namespace cairn::cli {

namespace {

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

Result<std::uint64_t> parse_size(const std::string& option, const std::string& text) {
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
        return misused(option + " '" + printable_line(text) +
                       "' is not a size; write it as 500MB or 2GB");
    return number * scale;
}

Result<PreparedTarget> prepare_target(const ModelTarget& target) {
    PreparedTarget prepared;
    const auto format = formats::model_format_for(target.out, target.format);
    if (!format.ok()) return misused(format.error().message);
    prepared.format = *format;
    if (!target.type.empty()) {
        const auto type = tensor::parse_weight_type(target.type);
        if (!type.ok()) return misused("--type: " + type.error().message);
        prepared.options.type = *type;
    }
    if (!target.shard_size.empty() && *format != formats::ModelFormat::kHuggingFace)
        return misused("--shard-size is for Hugging Face folders (--to hf), and " + target.out +
                       " is to be " + std::string(formats::model_format_name(*format)));
    ASSIGN_OR_RETURN(prepared.options.shard_bytes, parse_size("--shard-size", target.shard_size));
    prepared.options.replace = target.force ? formats::Replace::kYes : formats::Replace::kNo;
    return prepared;
}

Status check_target(const ModelTarget& target, formats::ModelFormat format,
                    const std::vector<std::string>& read, const std::vector<NamedPath>& inputs) {
    const auto replace = target.force ? formats::Replace::kYes : formats::Replace::kNo;
    if (format != formats::ModelFormat::kHuggingFace) {
        for (const NamedPath& input : inputs)
            if (same_file(input.path, target.out))
                return check_outputs({{"--out", target.out}}, inputs);
        RETURN_IF_ERROR(formats::check_target(target.out, replace));
        return check_outputs({{"--out", target.out}}, inputs);
    }
    for (const std::string& input : read)
        if (!input.empty() && same_file(is_folder(input) ? input : folder_of(input), target.out))
            return Error{ErrorCode::kRefused, "--out " + target.out + " is the folder of " + input +
                                                  ", which the command reads: name another"};
    if (is_file(target.out))
        return Error{ErrorCode::kRefused,
                     "--out " + target.out + " is a file, and a folder is wanted (--to hf)"};
    const std::string config = target.out + "/config.json";
    RETURN_IF_ERROR(formats::check_target(config, replace));
    return check_outputs({{"--out", is_folder(target.out) ? config : target.out}}, inputs);
}

Result<WrittenModel> write_model(const model::Model& model, const ModelTarget& target,
                                 PreparedTarget prepared) {
    const SystemClock clock;
    Progress progress(clock, "writing", 1000);
    prepared.options.progress = [&](std::uint64_t done, std::uint64_t total) {
        progress.update(total == 0 ? 0 : done * 1000 / total);
    };
    RETURN_IF_ERROR(formats::save_model(model, prepared.format, target.out, prepared.options));
    WrittenModel written;
    written.bytes = size_on_disk(target.out);
    if (prepared.options.type) written.narrow = fallbacks(model, *prepared.options.type);
    return written;
}

nlohmann::json fallbacks_json(const WrittenModel& written) {
    nlohmann::json list = nlohmann::json::array();
    for (const auto& [cols, names] : written.narrow)
        for (const std::string& name : names)
            list.push_back({{"name", name}, {"cols", cols}, {"type", "f16"}});
    return list;
}

void print_fallbacks(const WrittenModel& written, const ModelTarget& target, std::ostream& out) {
    if (written.narrow.empty()) return;
    const auto type = tensor::parse_weight_type(target.type);
    for (const auto& [cols, names] : written.narrow)
        out << fmt::format(
            "  {} {} written as f16: rows of {} are no multiple of the {} that {} wants ({}{})\n",
            names.size(), names.size() == 1 ? "matrix is" : "matrices are", cols,
            tensor::weight_group(*type), target.type, names.front(),
            names.size() == 1 ? "" : ", ...");
}

void add_target_options(const Command& command, ModelTarget& target) {
    command.add_option("--out", target.out, "X.cairn, X.gguf, or a folder (Hugging Face)")
        .required();
    command.add_option("--to", target.format, "cairn, gguf or hf (default: by --out)");
    command.add_option("--type", target.type,
                       "Of matrices: f32, f16, bf16, q8_0, q4_0, q4_1, q5_0, q5_1, w8a8-row "
                       "(default: unchanged)");
    command.add_option("--shard-size", target.shard_size,
                       "hf: largest file of weights, such as 2GB (default: one file)");
    command.add_flag("--force", target.force, "Replace what is there");
}

}  // namespace cairn::cli
