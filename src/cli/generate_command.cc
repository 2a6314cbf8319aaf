#include "cli/generate_command.h"

#include <memory>
#include <ostream>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/progress.h"
#include "cli/commands.h"
#include "cli/local_model.h"
#include "crypto/hash.h"
#include "model/generate.h"

namespace cairn::cli {

namespace {

constexpr std::size_t kMaxSteps = 1U << 20;

const char* reason_name(model::StopReason reason) {
    switch (reason) {
        case model::StopReason::kMaxTokens:
            return "steps";
        case model::StopReason::kContext:
            return "context";
        case model::StopReason::kEndToken:
            return "end";
        case model::StopReason::kCaller:
            return "caller";
    }
    return "unknown";
}

// What a run of generation leaves behind.
struct Written {
    model::Generated generated;
    std::string text;
    Hash256 digest;
    std::uint64_t elapsed_us = 0;
};

// `show` receives the text piece by piece.
Result<Written> write_text(const GenerateRequest& request, const LocalModel& local,
                           const tensor::Compute& compute,
                           const std::function<void(const std::string&)>& show) {
    const model::ModelConfig& config = local.model.config;
    model::Tokens prompt{local.tokenizer->begin_token()};
    const model::Tokens words = local.tokenizer->encode(request.prompt);
    prompt.insert(prompt.end(), words.begin(), words.end());
    const std::size_t positions =
        std::min<std::size_t>(config.context, prompt.size() + request.steps);
    model::Transformer transformer(config, local.weights, model::all_layers(config), compute,
                                   {.max_positions = positions});
    model::KvCache cache(config, model::all_layers(config), positions);
    model::LocalLayers layers(transformer, cache);
    model::StreamDecoder decoder(*local.tokenizer);
    for (const std::uint32_t token : words) show(decoder.push(token));

    const SystemClock clock;
    Progress progress(clock, "writing", request.steps);
    crypto::Sha256 hash;
    Written written;
    const std::uint64_t started = clock.monotonic_us();
    const auto is_end = [&](std::uint32_t token) { return local.tokenizer->is_end(token); };
    const auto on_step = [&](const model::GeneratedStep& step) {
        hash.update(
            {reinterpret_cast<const std::uint8_t*>(step.logits.data()), step.logits.size_bytes()});
        if (is_end(step.token)) return true;
        const std::string piece = decoder.push(step.token);
        written.text += piece;
        show(piece);
        if (request.json) progress.update(step.index + 1);
        return true;
    };
    ASSIGN_OR_RETURN(written.generated,
                     model::generate(compute, transformer, layers, prompt,
                                     {.sampling = request.sampling, .max_tokens = request.steps},
                                     is_end, on_step));
    written.elapsed_us = clock.monotonic_us() - started;
    const std::string rest = decoder.finish();
    written.text += rest;
    show(rest);
    written.digest = hash.finish();
    return written;
}

}  // namespace

Status run_generate(const GenerateRequest& request, std::ostream& out) {
    ASSIGN_OR_RETURN(const auto machine, Machine::create(request.threads));
    ASSIGN_OR_RETURN(const auto local, load_local_model(request.model, request.tokenizer));
    const auto show = [&](const std::string& piece) {
        if (!request.json) out << piece << std::flush;
    };
    ASSIGN_OR_RETURN(const Written written, write_text(request, *local, machine->compute(), show));
    if (!request.json) {
        out << '\n';
        return ok_status();
    }
    const double seconds = static_cast<double>(written.elapsed_us) / 1e6;
    const auto count = written.generated.tokens.size();
    const nlohmann::json object = {
        {"text", written.text},
        {"prompt", request.prompt},
        {"tokens", written.generated.tokens},
        {"digest", to_hex(written.digest)},
        {"stop", reason_name(written.generated.reason)},
        {"kernels", machine->kernels()},
        {"threads", machine->threads()},
        {"tokens_per_second", seconds > 0 ? static_cast<double>(count) / seconds : 0.0}};
    out << object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
    return ok_status();
}

void add_generate(CLI::App& app, Invocation& invocation) {
    CLI::App* command = add_command(
        app, invocation, "generate", "Write text with a model on this machine",
        "cairn generate --model stories260K.bin --prompt \"Once upon a time\" --steps 200");
    auto request = std::make_shared<GenerateRequest>();
    command->add_option("--model", request->model, "Model file or folder")->required();
    command->add_option("--tokenizer", request->tokenizer,
                        "Tokenizer file (default: in the model or beside it)");
    command->add_option("--prompt", request->prompt, "Text to continue (default: none)");
    command->add_option("--steps", request->steps, "Tokens to write, at most")
        ->check(CLI::Range(std::size_t{1}, kMaxSteps))
        ->capture_default_str();
    command
        ->add_option("--temperature", request->sampling.temperature,
                     "0 takes the most probable token")
        ->check(CLI::Range(0.0F, 100.0F))
        ->capture_default_str();
    command->add_option("--top-k", request->sampling.top_k, "Only the k best tokens; 0: all")
        ->capture_default_str();
    command->add_option("--top-p", request->sampling.top_p, "Only the best p of probability")
        ->check(CLI::Range(0.0F, 1.0F))
        ->capture_default_str();
    command->add_option("--min-p", request->sampling.min_p, "Share of the best one's probability")
        ->check(CLI::Range(0.0F, 1.0F))
        ->capture_default_str();
    command->add_option("--seed", request->sampling.seed, "Decides what chance decides")
        ->capture_default_str();
    command->add_option("--threads", request->threads, "0: one per processor")
        ->check(CLI::Range(std::size_t{0}, kMaxThreads))
        ->capture_default_str();
    command->callback([request, &invocation] {
        request->json = invocation.json;
        invocation.run = [request](std::ostream& out) { return run_generate(*request, out); };
    });
}

}  // namespace cairn::cli
