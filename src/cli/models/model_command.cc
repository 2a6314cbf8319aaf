#include "cli/models/model_command.h"

#include <map>
#include <memory>
#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/chain/data_directory.h"
#include "cli/commands.h"
#include "cli/local_model.h"
#include "cli/models/config_json.h"
#include "cli/models/model_compress.h"
#include "cli/option_checks.h"
#include "cli/options.h"
#include "console/json_line.h"
#include "serve/model_snapshot.h"

namespace cairn::cli {

namespace {

nlohmann::json tensors_json(const model::Model& loaded) {
    nlohmann::json list = nlohmann::json::array();
    const model::ParameterLayout layout = loaded.layout();
    for (const model::TensorInfo& info : layout.tensors()) {
        const nlohmann::json shape = info.is_matrix ? nlohmann::json{info.rows, info.cols}
                                                    : nlohmann::json::array({info.cols});
        const auto& weight = model::tensor_at(loaded.weights, info.kind, info.layer);
        list.push_back({{"name", info.name},
                        {"shape", shape},
                        {"type", tensor::weight_type_name(weight.type)},
                        {"offset", info.offset}});
    }
    return list;
}

struct TypeShare {
    std::size_t tensors = 0;
    std::uint64_t parameters = 0;
    std::uint64_t bytes = 0;
};

std::map<std::string, TypeShare> shares_of(const model::Model& loaded) {
    std::map<std::string, TypeShare> shares;
    const model::ParameterLayout layout = loaded.layout();
    for (const model::TensorInfo& info : layout.tensors()) {
        const auto& weight = model::tensor_at(loaded.weights, info.kind, info.layer);
        TypeShare& share = shares[std::string(tensor::weight_type_name(weight.type))];
        share.tensors += 1;
        share.parameters += info.size();
        share.bytes += weight.canonical_bytes();
    }
    return shares;
}

void print_info(const formats::LoadedModel& loaded, const std::string& hash,
                const std::string& tokenizer, bool tensors, std::ostream& out) {
    const model::ParameterLayout layout = loaded.model.layout();
    out << fmt::format("format       {}\nshape        {}\nparameters   {}\n", loaded.format,
                       model::describe(loaded.model.config), layout.parameters());
    for (const auto& [type, share] : shares_of(loaded.model))
        out << fmt::format("  {:9}  {:.1f} MB in {} tensors ({} parameters)\n", type,
                           static_cast<double>(share.bytes) / 1e6, share.tensors, share.parameters);
    out << fmt::format("content hash {}\ntokenizer    {}\n", hash, tokenizer);
    if (loaded.encoder)
        out << fmt::format("encoder      {}, {} parameters (the token embedding is the same)\n",
                           model::describe(loaded.encoder->encoder.config),
                           loaded.encoder->encoder.layout().parameters());
    const std::string& chat = loaded.model.chat_template;
    out << fmt::format("chat         {}\n",
                       chat.empty() ? "no template" : fmt::format("{} bytes", chat.size()));
    if (!tensors) return;
    for (const model::TensorInfo& info : layout.tensors()) {
        const auto& weight = model::tensor_at(loaded.model.weights, info.kind, info.layer);
        out << fmt::format("{:28} {:>7} x {:<7} {:8} at {}\n", info.name, info.rows, info.cols,
                           tensor::weight_type_name(weight.type), info.offset);
    }
}

}  // namespace

Status run_model_info(const ModelRequest& request, std::ostream& out) {
    ASSIGN_OR_RETURN(const formats::LoadedModel loaded,
                     formats::load_any(request.model, formats::EncoderDecoders::kTaken));
    const model::ModelConfig& config = loaded.model.config;
    const std::string hash = to_hex(serve::content_hash(config, loaded.model.weights));
    // A model may well come without its tokenizer; that is worth a line, not an error.
    const auto tokenizer = formats::find_tokenizer(loaded, request.model, request.tokenizer);
    if (!request.json) {
        print_info(loaded, hash,
                   tokenizer.ok() ? fmt::format("{} tokens", (*tokenizer)->vocab_size())
                                  : tokenizer.error().message,
                   request.tensors, out);
        return ok_status();
    }
    nlohmann::json types = nlohmann::json::object();
    std::uint64_t bytes = 0;
    for (const auto& [type, share] : shares_of(loaded.model)) {
        types[type] = {
            {"tensors", share.tensors}, {"parameters", share.parameters}, {"bytes", share.bytes}};
        bytes += share.bytes;
    }
    nlohmann::json object = {
        {"format", loaded.format},
        {"config", config_json(config)},
        {"parameters", loaded.model.layout().parameters()},
        {"bytes", bytes},
        {"types", types},
        {"content_hash", hash},
        {"chat_template", loaded.model.chat_template},
        {"tokenizer",
         tokenizer.ok() ? nlohmann::json((*tokenizer)->vocab_size()) : nlohmann::json()}};
    if (loaded.encoder) {
        const model::Model& encoder = loaded.encoder->encoder;
        object["encoder"] = {
            {"config", config_json(encoder.config)},
            {"parameters", encoder.layout().parameters()},
            {"content_hash", to_hex(serve::content_hash(encoder.config, encoder.weights))},
            {"begins", loaded.encoder->begins}};
    }
    if (request.tensors) object["tensors"] = tensors_json(loaded.model);
    out << console::json_line(object);
    return ok_status();
}

namespace {

void add_list(const Command& group, Invocation& invocation) {
    const Command command =
        add_command(group, invocation, "list", "List the models that a server or a node serves",
                    "cairn model list        (with `cairn serve models/` running)\n"
                    "  cairn model list --dir ~/guild");
    auto request = std::make_shared<ListRequest>();
    Option api =
        command.add_option("--api", request->api, "HOST:PORT of the server").capture_default_str();
    Option dir = command.add_option("--dir", request->dir,
                                    "Ask the node that runs on this data directory instead");
    named_folder(dir).excludes(api);
    command
        .add_option("--node", request->node,
                    "The same of the node whose API listens at this HOST:PORT")
        .excludes(api)
        .excludes(dir);
    command.add_option("--token-file", request->token_file, "File with the token that it wants")
        .excludes(dir);
    command.callback([request, &invocation] {
        request->json = invocation.json;
        invocation.run = [request](std::ostream& out) { return run_model_list(*request, out); };
    });
}

void add_export(const Command& group, Invocation& invocation) {
    const Command command =
        add_command(group, invocation, "export",
                    "Write the model of a node's chain to a file, whether the node runs or not",
                    "cairn model export --dir ~/guild --out guild.gguf --at best");
    auto request = std::make_shared<ExportRequest>();
    request->directory = default_directory();
    named_folder(command.add_option("--dir", request->directory, "The node's data directory"))
        .capture_default_str();
    command
        .add_option("--at", request->at,
                    "A height, or best: the merge block of lowest report loss (default: the "
                    "model that the node serves)")
        .check(height_or_best());
    add_target_options(command, request->target);
    add_threads_option(command, request->threads, "For replaying: ");
    command.callback([request, &invocation] {
        request->json = invocation.json;
        invocation.run = [request](std::ostream& out) { return run_model_export(*request, out); };
    });
}

}  // namespace

void add_model(const Command& app, Invocation& invocation) {
    const Command group = app.add_subcommand(
        "model", "Look into model files, convert, compress, verify them; export a chain's model");
    group.require_subcommand();
    group.footer("Example:\n  cairn model info --model stories260K.bin");
    auto request = std::make_shared<ModelRequest>();
    const auto add = [&](const char* name, const char* description, const char* example,
                         Status (*run)(const ModelRequest&, std::ostream&)) {
        const Command command = add_command(group, invocation, name, description, example);
        command.add_option("--model", request->model, "Model file or folder").required();
        add_tokenizer_option(command, request->tokenizer);
        command.callback([request, run, &invocation] {
            request->json = invocation.json;
            invocation.run = [request, run](std::ostream& out) { return run(*request, out); };
        });
        return command;
    };
    add("info", "Shape, types, size and content hash of a model",
        "cairn model info --model stories260K.bin --tensors", run_model_info)
        .add_flag("--tensors", request->tensors, "List every tensor");
    const Command convert = add("convert", "Write any readable model in another format or type",
                                "cairn model convert --model stories260K.bin --out stories.gguf "
                                "--type q8_0",
                                run_model_convert);
    add_target_options(convert, request->target);
    convert.add_flag("--multiply-out", request->multiply_out,
                     "Make factors of low rank whole matrices again (f32 unless --type says more)");
    add_model_compress(group, invocation);
    add_export(group, invocation);
    add_list(group, invocation);
    const Command verify =
        add("verify", "Check a model file, or that two files hold the same model",
            "cairn model verify --model stories.gguf --against stories260K.bin", run_model_verify);
    verify.add_option("--against", request->against, "Another form of the same model");
    add_threads_option(verify, request->threads);
}

}  // namespace cairn::cli
