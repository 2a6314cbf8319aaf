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
#include "cli/models/model_inputs.h"
#include "console/json_line.h"
#include "lowrank/compress.h"

namespace cairn::cli {

namespace fs = std::filesystem;

namespace {

Status make_whole(const ModelRequest& request, model::Model& model) {
    if (model.config.ranks.empty())
        return misused("--multiply-out: all matrices of " + request.model + " are whole already");
    ASSIGN_OR_RETURN(const auto machine, Machine::create(0));
    model = lowrank::multiply_out(machine->compute(), model);
    return ok_status();
}

}  // namespace

Status run_model_convert(const ModelRequest& request, std::ostream& out) {
    const ModelTarget& target = request.target;
    ASSIGN_OR_RETURN(PreparedTarget prepared, prepare_target(target));
    const formats::ModelFormat format = prepared.format;
    RETURN_IF_ERROR(check_exists("--model", request.model));
    RETURN_IF_ERROR(check_target(target, format, {request.model, request.tokenizer},
                                 model_inputs(request.model, request.tokenizer)));
    ASSIGN_OR_RETURN(formats::LoadedModel loaded, formats::load_any(request.model));
    RETURN_IF_ERROR(attach_tokenizer(request.model, request.tokenizer, loaded));
    if (request.multiply_out) RETURN_IF_ERROR(make_whole(request, loaded.model));
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
