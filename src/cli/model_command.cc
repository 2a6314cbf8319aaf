#include "cli/model_command.h"

#include <memory>
#include <ostream>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/local_model.h"
#include "model/checkpoint.h"
#include "serve/model_snapshot.h"

namespace cairn::cli {

namespace {

nlohmann::json config_json(const model::ModelConfig& config) {
    return {{"dim", config.dim},
            {"hidden_dim", config.hidden_dim},
            {"layers", config.layers},
            {"heads", config.heads},
            {"kv_heads", config.kv_heads},
            {"vocab", config.vocab},
            {"context", config.context},
            {"rope_theta", config.rope_theta},
            {"norm_eps", config.norm_eps},
            {"tied_head", config.tied_head},
            {"rope_interleaved", config.rope_interleaved}};
}

nlohmann::json tensors_json(const model::ParameterLayout& layout) {
    nlohmann::json list = nlohmann::json::array();
    for (const model::TensorInfo& info : layout.tensors()) {
        const nlohmann::json shape = info.is_matrix ? nlohmann::json{info.rows, info.cols}
                                                    : nlohmann::json::array({info.cols});
        list.push_back({{"name", info.name}, {"shape", shape}, {"offset", info.offset}});
    }
    return list;
}

}  // namespace

Status run_model_info(const ModelRequest& request, std::ostream& out) {
    ASSIGN_OR_RETURN(const model::LoadedModel loaded, model::load_any(request.model));
    const model::ModelConfig& config = loaded.model.config;
    const model::ParameterLayout layout(config);
    const std::string hash = to_hex(serve::content_hash(config, loaded.model.weights));
    // A model may well come without its tokenizer; that is worth a line, not an error.
    const auto tokenizer = model::find_tokenizer(loaded.model, request.model, request.tokenizer);
    if (request.json) {
        nlohmann::json object = {
            {"format", loaded.format},
            {"config", config_json(config)},
            {"parameters", layout.parameters()},
            {"bytes", layout.parameters() * sizeof(float)},
            {"content_hash", hash},
            {"tokenizer",
             tokenizer.ok() ? nlohmann::json((*tokenizer)->vocab_size()) : nlohmann::json()}};
        if (request.tensors) object["tensors"] = tensors_json(layout);
        out << object.dump() << '\n';
        return ok_status();
    }
    out << fmt::format(
        "format       {}\nshape        {}\nparameters   {}\nmemory       {:.1f} MB\n",
        loaded.format, model::describe(config), layout.parameters(),
        static_cast<double>(layout.parameters()) * 4 / 1e6);
    out << fmt::format("content hash {}\ntokenizer    {}\n", hash,
                       tokenizer.ok() ? fmt::format("{} tokens", (*tokenizer)->vocab_size())
                                      : tokenizer.error().message);
    if (request.tensors)
        for (const model::TensorInfo& info : layout.tensors())
            out << fmt::format("{:28} {:>7} x {:<7} at {}\n", info.name, info.rows, info.cols,
                               info.offset);
    return ok_status();
}

Status run_model_convert(const ModelRequest& request, std::ostream& out) {
    ASSIGN_OR_RETURN(model::LoadedModel loaded, model::load_any(request.model));
    auto tokenizer = model::find_tokenizer(loaded.model, request.model, request.tokenizer);
    if (tokenizer.ok())
        loaded.model.tokenizer = (*tokenizer)->serialise();
    else if (!request.tokenizer.empty())
        return tokenizer.error();
    RETURN_IF_ERROR(model::save_checkpoint(loaded.model, request.out));
    const bool with_tokenizer = !loaded.model.tokenizer.empty();
    if (request.json) {
        const nlohmann::json object = {
            {"out", request.out}, {"from", loaded.format}, {"tokenizer", with_tokenizer}};
        out << object.dump() << '\n';
    } else {
        out << fmt::format("{}: written from {}, {}\n", request.out, loaded.format,
                           with_tokenizer ? "with its tokenizer" : "without a tokenizer");
    }
    return ok_status();
}

void add_model(CLI::App& app, Invocation& invocation) {
    CLI::App* group = app.add_subcommand("model", "Look into model files and convert them");
    group->require_subcommand(1);
    group->footer("Example:\n  cairn model info --model stories260K.bin");
    auto request = std::make_shared<ModelRequest>();
    const auto add = [&](const char* name, const char* description, const char* example,
                         Status (*run)(const ModelRequest&, std::ostream&)) {
        CLI::App* command = add_command(*group, invocation, name, description, example);
        command->add_option("--model", request->model, "Model file or folder")->required();
        command->add_option("--tokenizer", request->tokenizer,
                            "Tokenizer file (default: in the model or beside it)");
        command->callback([request, run, &invocation] {
            request->json = invocation.json;
            invocation.run = [request, run](std::ostream& out) { return run(*request, out); };
        });
        return command;
    };
    add("info", "Shape, size and content hash of a model",
        "cairn model info --model stories260K.bin --tensors", run_model_info)
        ->add_flag("--tensors", request->tensors, "List every tensor");
    add("convert", "Write any readable model as a Cairn checkpoint with its tokenizer",
        "cairn model convert --model stories260K.bin --out stories.cairn", run_model_convert)
        ->add_option("--out", request->out, "File to write")
        ->required();
}

}  // namespace cairn::cli
