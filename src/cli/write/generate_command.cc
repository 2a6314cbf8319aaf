#include "cli/write/generate_command.h"

#include <algorithm>
#include <memory>
#include <ostream>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/progress.h"
#include "cli/commands.h"
#include "cli/local_model.h"
#include "cli/options.h"
#include "cli/write/generate_many.h"
#include "cli/write/generate_served.h"
#include "cli/write/own_audits.h"
#include "cli/write/own_layers.h"
#include "cli/write/written_text.h"
#include "console/json_line.h"
#include "gateway/trace.h"
#include "infer/generate.h"

namespace cairn::cli {

namespace {

constexpr std::size_t kMaxSteps = 1U << 20;

// What a run of generation leaves behind.
struct Written {
    nlohmann::json report;
    std::size_t tokens = 0;
    std::uint64_t elapsed_us = 0;
    std::uint64_t first_us = 0;  // of these, until the first token
    std::size_t drafted = 0, accepted = 0;
    std::vector<serve::Hop> hops;  // over the network
    std::size_t failovers = 0;
    std::uint64_t stall_ms = 0;
    std::uint64_t spent = 0;
    std::vector<serve::ServerWork> work;
    std::vector<OwnAudit> audits;
};

// `show` receives the text piece by piece; generation stops when `can_show` returns false.
Result<Written> write_text(const GenerateRequest& request, LocalModel& local,
                           const tensor::Compute& compute, const Draft& draft,
                           const std::function<void(const std::string&)>& show,
                           const std::function<bool()>& can_show) {
    const model::ModelConfig& config = local.model.config;
    const text::Tokens prompt = first_tokens(local, request.prompt);
    const std::size_t positions =
        std::min<std::size_t>(config.context, prompt.size() + request.steps);
    std::unique_ptr<infer::LayerStack> layers;
    serve::NetworkLayers* remote = nullptr;
    AuditedModel audited;
    if (request.over.any()) {
        ASSIGN_OR_RETURN(auto connected,
                         connect_layers(request.over, {request.prompt, positions, request.sampling},
                                        compute, local, audited));
        remote = connected.get();
        layers = std::move(connected);
    } else {
        ASSIGN_OR_RETURN(
            layers, OwnLayers::create(local, compute, request.prompt, positions, request.sampling));
    }
    // Embedding and head always run here.
    model::Transformer embed_and_head(config, local.model.weights, {0, 0}, compute, {});
    ASSIGN_OR_RETURN(WrittenText text,
                     WrittenText::create(*local.tokenizer, shown_tokens(local, request.prompt),
                                         request.sampling.stops));
    show(text.prompt());

    const SystemClock clock;
    Progress progress(clock, "writing", request.steps);
    const std::uint64_t started = clock.monotonic_us();
    const auto is_end = [&](std::uint32_t token) { return local.tokenizer->is_end(token); };
    Written written;
    const auto on_step = [&](const infer::GeneratedStep& step) {
        if (step.index == 0) written.first_us = clock.monotonic_us() - started;
        show(text.take(step));
        if (request.json) progress.update(step.index + 1);
        return !text.stopped() && can_show();
    };
    ASSIGN_OR_RETURN(
        const infer::Generated generated,
        infer::generate(compute, embed_and_head, *layers, prompt, generate_options(request), is_end,
                        on_step, draft.speculation()));
    written.elapsed_us = clock.monotonic_us() - started;
    written.tokens = generated.tokens.size();
    written.drafted = generated.drafted;
    written.accepted = generated.accepted;
    show(text.finish());
    written.report = text.report(generated.reason, request.logprobs);
    if (remote != nullptr) {
        written.hops = remote->route();
        written.failovers = remote->failovers();
        written.stall_ms = remote->longest_stall_ms();
        written.spent = remote->spent();
        written.work = remote->work();
        written.audits = audit_own(request.over, audited, remote->diaries(), compute);
        const auto of_encoder =
            audit_own(request.over, {.whole = audited.encoder}, audited.encoder_diaries, compute);
        written.audits.insert(written.audits.end(), of_encoder.begin(), of_encoder.end());
    }
    return written;
}

nlohmann::json hops_json(const std::vector<serve::Hop>& hops) {
    nlohmann::json list = nlohmann::json::array();
    for (const serve::Hop& hop : hops)
        list.push_back({{"begin", hop.layers.begin},
                        {"end", hop.layers.end},
                        {"server", hop.address},
                        {"key", to_hex(hop.key)},
                        {"token_price", serve::row_price(hop.price, hop.layers)}});
    return list;
}

gateway::Trace trace_of(const GenerateRequest& request, const Written& written) {
    gateway::Trace trace;
    trace.began_ms = SystemClock().wall_ms() - written.elapsed_us / 1000;
    trace.model = request.model;
    trace.tokens = written.tokens;
    trace.elapsed_us = written.elapsed_us;
    trace.first_us = written.first_us;
    trace.failovers = written.failovers;
    trace.stall_ms = written.stall_ms;
    trace.spent = written.spent;
    trace.servers = written.work;
    trace.audits = for_trace(written.audits);
    return trace;
}

// Checks that need nothing but the command line, before a model is read.
Status check_request(const GenerateRequest& request) {
    RETURN_IF_ERROR(check_sampling(request.sampling));
    RETURN_IF_ERROR(check_layer_servers(request.over));
    if (request.logprobs && !request.json)
        return misused("--logprobs are printed as JSON: add --json");
    return ok_status();
}

// What an encoder-decoder needs, and what it cannot do yet.
Status check_encoder_decoder_request(const GenerateRequest& request) {
    if (request.prompt.empty() && request.prompts.empty())
        return misused(request.model +
                       " is an encoder-decoder, which answers a text: give it with --prompt TEXT");
    const char* option = !request.prompts.empty()                         ? "--prompts"
                         : request.sampling.kv == tensor::KvType::kDigits ? "--kv digits"
                                                                          : nullptr;
    if (option == nullptr) return ok_status();
    return Error{ErrorCode::kUnsupported,
                 request.model + " is an encoder-decoder, which writes one text at a time, in " +
                     "cache types f32, f16 and bf16: not with " + option};
}

Result<std::unique_ptr<LocalModel>> load_writer(GenerateRequest& request, nlohmann::json& network) {
    if (request.model.empty()) return load_network_model(request.over, &network);
    ASSIGN_OR_RETURN(auto local,
                     load_local_model(request.model, request.tokenizer, Needs::kAnswer));
    if (local->encoder) RETURN_IF_ERROR(check_encoder_decoder_request(request));
    if (request.over.encoder && !local->encoder)
        return misused("--encoder-too is for encoder-decoders, and " + request.model + " is none");
    return local;
}

}  // namespace

infer::GenerateOptions generate_options(const GenerateRequest& request) {
    infer::GenerateOptions options;
    options.sampling = request.sampling.settings;
    options.max_tokens = request.steps;
    options.logprobs = request.logprobs;
    options.top_logprobs = request.logprobs ? request.top_logprobs : 0;
    return options;
}

Status run_generate(const GenerateRequest& asked, std::ostream& out, int& exit_code) {
    RETURN_IF_ERROR(check_request(asked));
    if (asked.by_node()) return run_generate_served(asked, out);
    if (asked.model.empty() && asked.over.servers_of.empty())
        return misused(
            "name what writes: --model FILE, or the node whose chain's model it is: --dir DIR or "
            "--node HOST:PORT, or a network whose own model servers compute: --servers-of "
            "HOST:PORT");
    GenerateRequest request = asked;
    RETURN_IF_ERROR(check_draft(request.draft));
    std::vector<std::string> prompts;
    if (!request.prompts.empty()) {
        ASSIGN_OR_RETURN(prompts, read_prompts(request.prompts));
    }
    ASSIGN_OR_RETURN(const auto machine, Machine::create(request.threads));
    nlohmann::json network;  // whose own model it is
    ASSIGN_OR_RETURN(const auto local, load_writer(request, network));
    // Over servers its layers run there.
    if (!request.over.any()) pack_local_model(machine->compute(), *local);
    if (!prompts.empty())
        return run_generate_many(request, *local, *machine, std::move(prompts), out);
    ASSIGN_OR_RETURN(const Draft draft, Draft::load(request.draft, *local, machine->compute(),
                                                    request.sampling.settings));
    const auto show = [&](const std::string& piece) {
        if (!request.json) out << piece << std::flush;
    };
    ASSIGN_OR_RETURN(Written written, write_text(request, *local, machine->compute(), draft, show,
                                                 [&] { return out.good(); }));
    const std::string trace =
        request.over.any() ? gateway::keep_trace(trace_of(request, written)) : "";
    tell_audits(written.audits, request.model);
    if (anybody_lied(written.audits)) exit_code = 1;
    if (!request.json) {
        out << '\n';
        if (written.spent > 0)
            say("paid " + chain::amount_text(written.spent) +
                " coins, with what is in hand for the next time");
        if (!trace.empty()) say("who computed it, and where the time went: cairn trace " + trace);
        return ok_status();
    }
    const double seconds = static_cast<double>(written.elapsed_us) / 1e6;
    nlohmann::json object = std::move(written.report);
    object["prompt"] = request.prompt;
    object["kernels"] = machine->kernels();
    object["threads"] = machine->threads();
    object["tokens_per_second"] = seconds > 0 ? static_cast<double>(written.tokens) / seconds : 0.0;
    if (written.tokens > 1) {
        object["first_token_seconds"] = static_cast<double>(written.first_us) / 1e6;
        object["decode_tokens_per_second"] =
            static_cast<double>(written.tokens - 1) * 1e6 /
            static_cast<double>(std::max<std::uint64_t>(1, written.elapsed_us - written.first_us));
    }
    if (!request.draft.who.empty()) {
        object["drafted"] = written.drafted;
        object["accepted"] = written.accepted;
    }
    if (request.over.any()) {
        if (!network.is_null()) object["network"] = std::move(network);
        object["hops"] = hops_json(written.hops);
        object["failovers"] = written.failovers;
        object["stall_seconds"] = static_cast<double>(written.stall_ms) / 1000;
        object["spent"] = written.spent;
        object["trace"] = trace;
        object["audits"] = gateway::json_of(for_trace(written.audits));
    }
    out << console::json_line(object);
    return ok_status();
}

namespace {

/// For the model of a node's chain. What that API does not have is refused by name.
void add_node_options(const Command& command, GenerateRequest& request, Option model) {
    const auto dir =
        command.add_option("--dir", request.dir,
                           "Let the node that runs on this data directory write, with its "
                           "chain's model");
    const auto node = command.add_option(
        "--node", request.node, "The same of the node whose API listens at this HOST:PORT");
    node.excludes(dir);
    command.add_option("--token-file", request.token_file, "File with the token that it wants")
        .needs(node);
    for (Option by_node : {dir, node}) {
        by_node.excludes(model);
        for (const char* other : {"--tokenizer", "--prompts", "--together", "--kv", "--logprobs",
                                  "--top-logprobs", "--threads", "--server", "--servers-of",
                                  "--audit", "--wire", "--draft", "--draft-tokens"})
            by_node.excludes(command.get_option(other));
    }
}

}  // namespace

void add_generate(const Command& app, Invocation& invocation) {
    const Command command = add_command(
        app, invocation, "generate", "Write text with a model of a file, or of a node's chain",
        "cairn generate --model stories260K.bin --prompt \"Once upon a time\" --steps 200\n"
        "  cairn generate --dir ~/guild --prompt \"And\"   (with `cairn node` running there)\n"
        "  cairn generate --model a.gguf --prompts questions.txt --json > answers.jsonl\n"
        "  cairn generate --model large.gguf --draft small.gguf --prompt \"Once\"\n"
        "  cairn generate --model a.cairn --server 192.0.2.7:8500 --server 192.0.2.8:8500\n"
        "  cairn generate --model a.cairn --servers-of ~/guild   (those that its node knows)\n"
        "  cairn generate --model a.cairn --servers-of ~/guild --audit 0.1\n"
        "  cairn generate --servers-of 192.0.2.7:8333   (a network's own model, by one address)");
    auto request = std::make_shared<GenerateRequest>();
    const auto model = command.add_option("--model", request->model, "Model file or folder");
    add_tokenizer_option(command, request->tokenizer);
    const auto prompt =
        command.add_option("--prompt", request->prompt, "Text to continue (default: none)");
    const auto prompts =
        command
            .add_option("--prompts", request->prompts,
                        "File with one prompt per line (.jsonl: {\"prompt\": ...}), "
                        "or -; all are written at once")
            .excludes(prompt);
    command.add_option("--together", request->together, "With --prompts: texts at a time")
        .check(range(std::size_t{1}, kMaxTogether))
        .needs(prompts)
        .capture_default_str();
    command.add_option("--steps", request->steps, "Tokens to write, at most")
        .check(range(std::size_t{1}, kMaxSteps))
        .capture_default_str();
    add_sampling_options(command, request->sampling);
    const auto logprobs = command.add_flag("--logprobs", request->logprobs,
                                           "With --json: the log-probability of every token");
    command
        .add_option("--top-logprobs", request->top_logprobs,
                    "With --logprobs: the most probable tokens, too")
        .check(range(std::size_t{0}, infer::kMaxTopLogprobs))
        .needs(logprobs);
    add_threads_option(command, request->threads);
    add_wire_option(command, request->sampling.states).excludes(prompts);
    add_draft_options(command, request->draft).excludes(prompts);
    for (const Option over : add_layer_server_options(command, request->over))
        over.excludes(prompts);
    command.add_flag("--encoder-too", request->over.encoder,
                     "With --server, of an encoder-decoder: servers compute its encoder's layers, "
                     "too (default: this machine does)");
    add_node_options(command, *request, model);
    command.callback([request, &invocation] {
        request->json = invocation.json;
        invocation.exact_text = true;
        invocation.run = [request, &invocation](std::ostream& out) {
            return run_generate(*request, out, invocation.exit_code);
        };
    });
}

}  // namespace cairn::cli
