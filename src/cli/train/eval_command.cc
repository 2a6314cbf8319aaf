#include "cli/train/eval_command.h"

#include <bit>
#include <cmath>
#include <memory>
#include <ostream>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "cli/commands.h"
#include "cli/local_model.h"
#include "cli/train/text_loss.h"
#include "console/json_line.h"
#include "model/leaf.h"

namespace cairn::cli {

Status run_eval(const EvalRequest& request, std::ostream& out) {
    ASSIGN_OR_RETURN(const auto machine, Machine::create(request.threads));
    ASSIGN_OR_RETURN(const auto local, load_local_model(request.model, request.tokenizer));
    RETURN_IF_ERROR(check_exists("--text", request.text));
    ASSIGN_OR_RETURN(const std::string text, read_text_file(request.text));
    text::Tokens stream{local->tokenizer->begin_token()};
    const text::Tokens words = local->tokenizer->encode(text);
    stream.insert(stream.end(), words.begin(), words.end());
    if (stream.size() < 2) return invalid(request.text + " is empty: there is nothing to predict");
    const std::uint32_t most = local->model.config.context;
    if (request.context != 0 && (!std::has_single_bit(request.context) || request.context > most))
        return misused(
            fmt::format("--context must be a power of two, at most the model's {}, not "
                        "{}",
                        most, request.context));
    const std::uint32_t context =
        request.context != 0 ? request.context : std::bit_floor(local->model.config.context);
    pack_local_model(machine->compute(), *local);
    ASSIGN_OR_RETURN(const std::int64_t sum, text_loss(local->layout, local->model.weights, stream,
                                                       context, machine->compute()));

    const std::size_t tokens = stream.size() - 1;
    const double loss = model::nats(sum, tokens);
    const double bits_per_byte =
        loss * static_cast<double>(tokens) / static_cast<double>(text.size()) / std::log(2.0);
    if (request.json) {
        const nlohmann::json object = {
            {"tokens", tokens},   {"bytes", text.size()},          {"loss", loss},
            {"loss_sum", sum},    {"perplexity", std::exp(loss)},  {"bits_per_byte", bits_per_byte},
            {"context", context}, {"kernels", machine->kernels()}, {"threads", machine->threads()}};
        out << console::json_line(object);
    } else {
        out << fmt::format(
            "{:.4f} nats/token, perplexity {:.3f}, {:.4f} bits/byte over {} tokens in windows of "
            "{}\n",
            loss, std::exp(loss), bits_per_byte, tokens, context);
    }
    return ok_status();
}

void add_eval(CLI::App& app, Invocation& invocation) {
    CLI::App* command =
        add_command(app, invocation, "eval", "Measure how well a model predicts a text",
                    "cairn eval --model model.cairn --text wikitext2-valid.txt");
    auto request = std::make_shared<EvalRequest>();
    command->add_option("--model", request->model, "Model file or folder")->required();
    command->add_option("--text", request->text, "Text file")->required();
    command->add_option("--tokenizer", request->tokenizer,
                        "Tokenizer file (default: in the model or beside it)");
    command
        ->add_option("--context", request->context,
                     "Window in tokens, a power of two; 0: the model's")
        ->check(CLI::Range(0U, model::kMaxContext));
    command->add_option("--threads", request->threads, "0: one per processor")
        ->check(CLI::Range(std::size_t{0}, kMaxThreads))
        ->capture_default_str();
    command->callback([request, &invocation] {
        request->json = invocation.json;
        invocation.run = [request](std::ostream& out) { return run_eval(*request, out); };
    });
}

}  // namespace cairn::cli
