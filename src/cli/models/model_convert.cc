// `cairn model convert`.
#include <filesystem>
#include <ostream>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/outputs.h"
#include "cli/local_model.h"
#include "cli/models/model_command.h"
#include "console/json_line.h"

namespace cairn::cli {

namespace fs = std::filesystem;

namespace {

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

// The model's tokenizer travels with it; without one the model alone is converted.
Status attach_tokenizer(const ModelRequest& request, formats::LoadedModel& loaded) {
    const auto tokenizer = formats::find_tokenizer(loaded, request.model, request.tokenizer);
    if (tokenizer.ok())
        loaded.model.tokenizer = (*tokenizer)->serialise();
    else if (!request.tokenizer.empty())
        return tokenizer.error();
    return ok_status();
}

}  // namespace

Status run_model_convert(const ModelRequest& request, std::ostream& out) {
    const ModelTarget& target = request.target;
    ASSIGN_OR_RETURN(PreparedTarget prepared, prepare_target(target));
    const formats::ModelFormat format = prepared.format;
    RETURN_IF_ERROR(check_exists("--model", request.model));
    RETURN_IF_ERROR(
        check_target(target, format, {request.model, request.tokenizer}, inputs_of(request)));
    ASSIGN_OR_RETURN(formats::LoadedModel loaded, formats::load_any(request.model));
    RETURN_IF_ERROR(attach_tokenizer(request, loaded));
    formats::WriteOptions& options = prepared.options;
    options.pooling = loaded.pooling;
    options.name = fs::path(request.model).stem().string();
    if (loaded.format == "huggingface" && request.tokenizer.empty())
        options.carry_from = is_folder(request.model) ? request.model : folder_of(request.model);
    ASSIGN_OR_RETURN(const WrittenModel written,
                     write_model(loaded.model, target, std::move(prepared)));
    const bool with_tokenizer = !loaded.model.tokenizer.empty();
    if (request.json) {
        const nlohmann::json object = {{"out", target.out},
                                       {"from", loaded.format},
                                       {"to", formats::model_format_name(format)},
                                       {"type", target.type},
                                       {"bytes", written.bytes},
                                       {"fallbacks", fallbacks_json(written)},
                                       {"tokenizer", with_tokenizer}};
        out << console::json_line(object);
        return ok_status();
    }
    out << fmt::format("{}: {:.1f} MB written from {}, {}\n", target.out,
                       static_cast<double>(written.bytes) / 1e6, loaded.format,
                       with_tokenizer ? "with its tokenizer" : "without a tokenizer");
    if (format == formats::ModelFormat::kCairn && loaded.pooling &&
        *loaded.pooling != model::default_pooling(loaded.model.config))
        out << fmt::format(
            "  a .cairn file does not say how vectors are pooled: cairn embed "
            "--pooling {}\n",
            model::pooling_name(*loaded.pooling));
    print_fallbacks(written, target, out);
    if (!with_tokenizer && !loaded.tokenizer_problem.empty())
        out << "  its tokenizer was left out: " << loaded.tokenizer_problem << '\n';
    return ok_status();
}

}  // namespace cairn::cli
