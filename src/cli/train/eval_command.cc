#include "cli/train/eval_command.h"

#include <bit>
#include <cmath>
#include <memory>
#include <optional>
#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "cli/chain/chain_model.h"
#include "cli/commands.h"
#include "cli/local_model.h"
#include "cli/option_checks.h"
#include "cli/options.h"
#include "cli/train/eval_node.h"
#include "cli/train/loss_bar.h"
#include "cli/write/sampling_options.h"
#include "console/json_line.h"
#include "model/leaf.h"
#include "node/assets.h"

namespace cairn::cli {

namespace {

/// What is measured: a model and a stream of tokens that it is to predict.
struct Measured {
    model::Model model;
    text::Tokens stream;
    std::optional<std::size_t> bytes;  ///< of the text
    nlohmann::json chain;              ///< of a chain's model: network, height, report_loss
};

Status read_text(const std::string& path, const text::Tokenizer& tokenizer, Measured& measured) {
    RETURN_IF_ERROR(check_exists("--text", path));
    ASSIGN_OR_RETURN(const std::string text, read_text_file(path));
    measured.stream = {tokenizer.begin_token()};
    const text::Tokens words = tokenizer.encode(text);
    measured.stream.insert(measured.stream.end(), words.begin(), words.end());
    measured.bytes = text.size();
    if (measured.stream.size() < 2) return invalid(path + " is empty: there is nothing to predict");
    return ok_status();
}

Status read_report_text(const ChainReader& chain, const EvalRequest& request,
                        const text::Tokenizer* tokenizer, Measured& measured) {
    if (chain.network.report_hash.is_zero())
        return misused("this network names no report text: --text FILE");
    ASSIGN_OR_RETURN(const auto bytes,
                     node::Assets(request.directory).get(chain.network.report_hash));
    ASSIGN_OR_RETURN(measured.stream, node::token_text_from_bytes(*bytes));
    if (measured.stream.size() < 2)
        return invalid("the network's report text is empty: name another with --text FILE");
    if (tokenizer != nullptr && tokenizer->is_lossless())
        measured.bytes = tokenizer->decode(std::span(measured.stream).subspan(1)).size();
    return ok_status();
}

Result<Measured> measured_file(const EvalRequest& request) {
    ASSIGN_OR_RETURN(const auto local, load_local_model(request.model, request.tokenizer));
    Measured measured;
    RETURN_IF_ERROR(read_text(request.text, *local->tokenizer, measured));
    measured.model = std::move(local->model);
    return measured;
}

Result<Measured> measured_chain(const EvalRequest& request, const tensor::Compute& compute) {
    ASSIGN_OR_RETURN(const ChainReader chain, open_chain(request.directory));
    ASSIGN_OR_RETURN(node::PastModel past,
                     past_model(chain, request.directory, request.at, compute));
    Measured measured;
    if (request.text.empty()) {
        RETURN_IF_ERROR(read_report_text(chain, request, past.tokenizer.get(), measured));
    } else if (past.tokenizer == nullptr) {
        return Error{ErrorCode::kUnsupported,
                     "this network names no tokenizer, so only its report text can be measured: "
                     "leave --text away"};
    } else {
        RETURN_IF_ERROR(read_text(request.text, *past.tokenizer, measured));
    }
    measured.model = std::move(past.model);
    measured.chain = {
        {"network", chain.network.name},
        {"height", past.height},
        {"report_loss", past.report_loss ? nlohmann::json(*past.report_loss) : nlohmann::json()}};
    return measured;
}

}  // namespace

Status run_eval(const EvalRequest& request, std::ostream& out) {
    if (!request.node.empty()) return run_eval_node(request, out);
    if (request.model.empty() && request.directory.empty())
        return misused(
            "name what is measured: --model FILE, or the model of a chain: --dir DIR or --node "
            "HOST:PORT");
    if (request.text.empty() && request.directory.empty())
        return misused("--text is required: the file that the model is to predict");
    ASSIGN_OR_RETURN(const auto machine, Machine::create(request.threads));
    const tensor::Compute& compute = machine->compute();
    ASSIGN_OR_RETURN(Measured measured, request.directory.empty()
                                            ? measured_file(request)
                                            : measured_chain(request, compute));
    const std::uint32_t most = measured.model.config.context;
    if (request.context != 0 && (!std::has_single_bit(request.context) || request.context > most))
        return misused(
            fmt::format("--context must be a power of two, at most the model's {}, not "
                        "{}",
                        most, request.context));
    const std::uint32_t context =
        request.context != 0 ? request.context : std::bit_floor(measured.model.config.context);
    const model::ParameterLayout layout = measured.model.layout();
    measured.model = model::pack_model(compute, measured.model);
    // With f32 throughout writing has the bits of training's pass, which is quicker.
    ASSIGN_OR_RETURN(const std::int64_t sum,
                     request.types == train::WrittenWith{}
                         ? train::text_loss(layout, measured.model.weights, measured.stream,
                                            context, compute, loss_bar())
                         : train::text_loss_with(request.types, measured.model, measured.stream,
                                                 context, compute, loss_bar()));

    const std::size_t tokens = measured.stream.size() - 1;
    const double loss = model::nats(sum, tokens);
    std::optional<double> bits_per_byte;
    if (measured.bytes && *measured.bytes > 0)
        bits_per_byte = loss * static_cast<double>(tokens) / static_cast<double>(*measured.bytes) /
                        std::log(2.0);
    if (request.json) {
        nlohmann::json object = {
            {"tokens", tokens},
            {"bytes", measured.bytes ? nlohmann::json(*measured.bytes) : nlohmann::json()},
            {"loss", loss},
            {"loss_sum", sum},
            {"perplexity", std::exp(loss)},
            {"bits_per_byte", bits_per_byte ? nlohmann::json(*bits_per_byte) : nlohmann::json()},
            {"context", context},
            {"kv", tensor::kv_type_name(request.types.kv)},
            {"wire", tensor::state_type_name(request.types.states)},
            {"kernels", machine->kernels()},
            {"threads", machine->threads()}};
        if (!measured.chain.is_null()) object.update(measured.chain);
        out << console::json_line(object);
        return ok_status();
    }
    if (!measured.chain.is_null())
        out << fmt::format("{}@{} on {}: ", measured.chain["network"].get<std::string>(),
                           measured.chain["height"].get<std::uint64_t>(),
                           request.text.empty() ? "the network's report text" : request.text);
    out << fmt::format("{:.4f} nats/token, perplexity {:.3f}, ", loss, std::exp(loss));
    if (bits_per_byte) out << fmt::format("{:.4f} bits/byte ", *bits_per_byte);
    out << fmt::format("over {} tokens in windows of {}\n", tokens, context);
    return ok_status();
}

void add_eval(const Command& app, Invocation& invocation) {
    const Command command = add_command(
        app, invocation, "eval", "Measure how well a model, or a chain's, predicts a text",
        "cairn eval --model model.cairn --text wikitext2-valid.txt\n"
        "  cairn eval --dir ~/guild --at best    (the network's report text)\n"
        "  cairn eval --node 127.0.0.1:8420      (the same, as that node has measured it)");
    auto request = std::make_shared<EvalRequest>();
    Option model = command.add_option("--model", request->model, "Model file or folder");
    Option text = command.add_option("--text", request->text,
                                     "Text file (with --dir, default: the network's report text)");
    Option tokenizer = add_tokenizer_option(command, request->tokenizer);
    Option dir = command.add_option(
        "--dir", request->directory,
        "Measure the model of the chain in this node's data directory, whether the node runs or "
        "not");
    named_folder(dir).excludes(model).excludes(tokenizer);
    Option node = command.add_option(
        "--node", request->node,
        "The report loss that the node has published whose API listens at this HOST:PORT; other "
        "texts it does not measure");
    node.excludes(model).excludes(tokenizer).excludes(dir).excludes(text);
    command
        .add_option("--at", request->at,
                    "A height, or best: the merge block of lowest report loss (default: the "
                    "model that the node serves; with --node, the latest that it has measured)")
        .check(height_or_best())
        .excludes(model);
    Option context = command
                         .add_option("--context", request->context,
                                     "Window in tokens, a power of two; 0: the model's")
                         .check(range(0U, model::kMaxContext));
    node.excludes(context);
    add_kv_option(command, request->types.kv).excludes(node);
    add_wire_option(command, request->types.states).excludes(node);
    add_threads_option(command, request->threads);
    command.callback([request, &invocation] {
        request->json = invocation.json;
        invocation.run = [request](std::ostream& out) { return run_eval(*request, out); };
    });
}

}  // namespace cairn::cli
