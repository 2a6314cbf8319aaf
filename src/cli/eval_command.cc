#include "cli/eval_command.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>
#include <ostream>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/progress.h"
#include "cli/commands.h"
#include "cli/local_model.h"
#include "model/leaf.h"
#include "tensor/loss.h"

namespace cairn::cli {

namespace {

constexpr std::uint32_t kBatchTokens = 1024;

// Sum of the integer losses over tokens -> targets, in windows of the pass's context. The last
// window is filled up; what is behind a token cannot change its loss, so the filling is not
// counted.
std::int64_t text_loss(model::LeafPass& pass, const model::Weights& weights,
                       std::span<const std::uint32_t> stream) {
    const std::size_t count = stream.size() - 1;
    const std::size_t step = pass.shape().microbatch;
    const SystemClock clock;
    Progress progress(clock, "evaluating", count);
    std::int64_t sum = 0;
    model::Tokens tokens;
    model::Tokens targets;
    std::vector<float> losses;
    for (std::size_t at = 0; at < count; at += step) {
        const std::size_t n = std::min(step, count - at);
        const std::size_t windows = (n + pass.shape().context - 1) / pass.shape().context;
        tokens.assign(windows * pass.shape().context, 0);
        targets.assign(tokens.size(), 0);
        losses.resize(tokens.size());
        std::copy_n(stream.begin() + static_cast<std::ptrdiff_t>(at), n, tokens.begin());
        std::copy_n(stream.begin() + static_cast<std::ptrdiff_t>(at) + 1, n, targets.begin());
        pass.token_losses(weights, tokens, targets, losses);
        sum += tensor::sum_losses_fixed(std::span(losses).first(n));
        progress.update(at + n, fmt::format("{:.4f} nats/token", model::nats(sum, at + n)));
    }
    return sum;
}

}  // namespace

Status run_eval(const EvalRequest& request, std::ostream& out) {
    ASSIGN_OR_RETURN(const auto machine, Machine::create(request.threads));
    ASSIGN_OR_RETURN(const auto local, load_local_model(request.model, request.tokenizer));
    ASSIGN_OR_RETURN(const std::string text, read_text(request.text));
    model::Tokens stream{local->tokenizer->begin_token()};
    const model::Tokens words = local->tokenizer->encode(text);
    stream.insert(stream.end(), words.begin(), words.end());
    if (stream.size() < 2) return invalid(request.text + " is empty: there is nothing to predict");
    const std::uint32_t context =
        request.context != 0 ? request.context : std::bit_floor(local->model.config.context);
    const model::LeafShape shape{.leaf_tokens = std::max(context, kBatchTokens),
                                 .context = context};
    RETURN_IF_ERROR(model::validate(shape, local->model.config));
    model::LeafPass pass(local->layout, shape, machine->compute(), /*with_gradient=*/false);
    const std::int64_t sum = text_loss(pass, local->weights, stream);

    const std::size_t tokens = stream.size() - 1;
    const double loss = model::nats(sum, tokens);
    const double bits_per_byte =
        loss * static_cast<double>(tokens) / static_cast<double>(text.size()) / std::log(2.0);
    if (request.json) {
        const nlohmann::json object = {
            {"tokens", tokens},   {"bytes", text.size()},          {"loss", loss},
            {"loss_sum", sum},    {"perplexity", std::exp(loss)},  {"bits_per_byte", bits_per_byte},
            {"context", context}, {"kernels", machine->kernels()}, {"threads", machine->threads()}};
        out << object.dump() << '\n';
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
    command->add_option("--context", request->context,
                        "Window in tokens, a power of two; 0: the model's");
    command->add_option("--threads", request->threads, "0: one per processor")
        ->check(CLI::Range(std::size_t{0}, kMaxThreads))
        ->capture_default_str();
    command->callback([request, &invocation] {
        request->json = invocation.json;
        invocation.run = [request](std::ostream& out) { return run_eval(*request, out); };
    });
}

}  // namespace cairn::cli
