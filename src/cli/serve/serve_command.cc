#include "cli/serve/serve_command.h"

#include <chrono>
#include <memory>
#include <set>
#include <thread>

#include <fmt/core.h>

#include "base/random.h"
#include "cli/commands.h"
#include "cli/local_model.h"
#include "cli/options.h"
#include "cli/serve/serve_display.h"
#include "cli/serve/serve_gateway.h"
#include "cli/write/sampling_options.h"
#include "console/bounded_end.h"
#include "console/interrupt.h"
#include "host/model_files.h"
#include "host/model_host.h"
#include "http/http_server.h"
#include "model/config.h"
#include "net/address.h"
#include "node/open_files.h"
#include "openai/server.h"

namespace cairn::cli {

namespace {

// From the signal on. Those who are answered are told that the server stops; nothing is written.
constexpr auto kMostEnd = std::chrono::milliseconds(1500);
constexpr auto kLook = std::chrono::milliseconds(50);
constexpr std::uint64_t kMaxMemoryMib = std::uint64_t{1} << 30;
constexpr std::size_t kMaxContextAsked = model::kMaxContext;
constexpr const char* kAdvice =
    "; is `cairn serve` running already? --port 0 takes any port that is free, --listen HOST:PORT "
    "another one";

struct Token {
    std::string text;
    bool beyond = false;
};

/// Beyond this machine there is always one.
Result<Token> choose_token(const ServeRequest& request) {
    const auto address = net::parse_address(request.listen);
    if (!address.ok()) return misused("--listen: " + address.error().message);
    Token token;
    token.beyond = !net::is_loopback(address->host);
    if (!request.token_file.empty()) {
        ASSIGN_OR_RETURN(token.text, read_token(request.token_file));
    } else if (token.beyond) {
        FixedBytes<16> bytes;
        SystemRandom().fill(bytes.bytes);
        token.text = to_hex(bytes);
    }
    return token;
}

/// Until no model is loading any more; shows each as it is there. kCancelled by a signal.
Status await_models(const host::TextHost& host, const console::Interrupt& interrupt,
                    ServeDisplay& display) {
    std::set<std::string> shown;
    for (bool loading = true; loading;) {
        if (interrupt.raised()) return Error{ErrorCode::kCancelled, "stopped while models loaded"};
        loading = false;
        for (const host::HostedModel& model : host.models()) {
            loading = loading || model.state == host::ModelState::kLoading;
            const bool known =
                model.state == host::ModelState::kReady || model.state == host::ModelState::kFailed;
            if (known && shown.insert(model.id).second) display.loaded(model);
        }
        if (loading) std::this_thread::sleep_for(kLook);
    }
    return ok_status();
}

/// kInvalid if nothing is left to serve.
Status check_any(const std::vector<host::HostedModel>& models) {
    for (const host::HostedModel& model : models)
        if (model.state != host::ModelState::kFailed) return ok_status();
    return invalid("no model could be loaded; the lines above say why");
}

Result<host::DraftChoice> draft_of(const ServeRequest& request) {
    host::DraftChoice draft;
    draft.tokens = request.draft.tokens;
    draft.repeat = request.draft.is_repeat();
    if (request.draft.who.empty() || draft.repeat) return draft;
    RETURN_IF_ERROR(check_draft(request.draft));
    ASSIGN_OR_RETURN(auto found, host::model_files({request.draft.who}));
    if (found.size() != 1) return misused("--draft " + request.draft.who + " is not one model");
    draft.model = std::move(found.front());
    return draft;
}

host::HostOptions host_options(const ServeRequest& request) {
    host::HostOptions options;
    options.threads = request.threads;
    options.memory_bytes = request.memory_mib << 20;
    options.max_sequences = request.max_sequences;
    options.max_waiting = request.queue;
    options.context = request.context;
    options.kv = request.kv;
    return options;
}

/// What computes, for people: "avx512, 2 threads".
struct Host {
    std::unique_ptr<Machine> machine;  ///< of a gateway, and outlives it
    std::unique_ptr<host::TextHost> host;
    std::string computes;
};

Result<Host> start_host(const ServeRequest& request, const std::function<bool()>& should_stop) {
    Host made;
    if (request.over.any()) {
        ASSIGN_OR_RETURN(made.machine, Machine::create(request.threads));
        ASSIGN_OR_RETURN(made.host, start_gateway(request, *made.machine, should_stop));
        made.computes = "its layers on other machines";
        return made;
    }
    host::HostOptions options = host_options(request);
    ASSIGN_OR_RETURN(options.models, host::model_files(request.models));
    ASSIGN_OR_RETURN(options.draft, draft_of(request));
    ASSIGN_OR_RETURN(auto host, host::ModelHost::start(std::move(options)));
    made.computes = fmt::format("{}, {} threads", host->kernels(), host->threads());
    made.host = std::move(host);
    return made;
}

}  // namespace

Status run_serve(const ServeRequest& request, std::ostream& out) {
    RETURN_IF_ERROR(check_serve_over(request));
    // A file that is not there is said first; they are opened once a port is free.
    if (!request.models.empty()) RETURN_IF_ERROR(host::model_files(request.models));
    ASSIGN_OR_RETURN(const Token token, choose_token(request));
    RETURN_IF_ERROR(node::provide_open_files());
    RETURN_IF_ERROR(http::HttpServer::can_listen(request.listen, kAdvice));
    ServeDisplay display(request.json, request.quiet, out);
    const console::Interrupt interrupt;
    const std::function<bool()> should_stop = [&] { return interrupt.raised(); };
    console::BoundedEnd end;  // after the host, whose threads it does not wait for
    auto started = start_host(request, should_stop);
    if (!started.ok()) {
        if (started.error().code == ErrorCode::kCancelled) return ok_status();
        return started.error();
    }
    Host served = std::move(*started);
    std::unique_ptr<host::TextHost>& host = served.host;
    openai::ServerOptions web;
    web.listen = request.listen;
    web.token = token.text;
    web.advice = kAdvice;
    web.told = [&](const openai::JournalEntry& entry) { display.answered(entry); };
    ASSIGN_OR_RETURN(const auto server, openai::Server::start(*host, std::move(web)));
    if (!request.json) out << fmt::format("loading ({}):\n", served.computes) << std::flush;
    const Status loaded = await_models(*host, interrupt, display);
    if (!loaded.ok() && loaded.error().code == ErrorCode::kCancelled) {
        end.begin(kMostEnd);
        return ok_status();
    }
    RETURN_IF_ERROR(check_any(host->models()));
    display.ready({server->address(), token.text, request.token_file, token.beyond},
                  host->models());
    while (!interrupt.raised()) std::this_thread::sleep_for(kLook);
    display.note("stopping");
    end.begin(kMostEnd);
    server->take_no_more();
    host.reset();  // tells those who wait
    return ok_status();
}

namespace {

void add_compute_options(const Command& command, ServeRequest& request) {
    add_threads_option(command, request.threads);
    add_draft_options(command, request.draft);
}

}  // namespace

void add_serve(const Command& app, Invocation& invocation) {
    const Command command = add_command(
        app, invocation, "serve", "Serve models to programs (OpenAI's API) and browsers",
        "cairn serve smollm2-135m-instruct-q4_1.gguf\n"
        "  cairn serve models/ --port 8080 --max-sequences 32\n"
        "  cairn serve model.gguf --listen 0.0.0.0:8432 --token-file token.txt\n"
        "  cairn serve large.gguf --server 192.0.2.7:8500 --server 192.0.2.8:8500   (others "
        "compute its layers)\n"
        "  cairn serve --servers-of 192.0.2.7:8333   (a network's own model, by one address)\n"
        "Then: cairn chat, http://127.0.0.1:8432/ in a browser, or any client of OpenAI's API.");
    auto request = std::make_shared<ServeRequest>();
    auto port = std::make_shared<std::uint16_t>(std::uint16_t{0});
    command.add_option("models", request->models,
                       "Model files or folders; folders of models. With --servers-of none: the "
                       "network's own model");
    const auto listen = command
                            .add_option("--listen", request->listen,
                                        "HOST:PORT; beyond this machine it wants a token")
                            .capture_default_str();
    const auto given_port =
        command.add_option("--port", *port, "Port on this machine alone; 0: any that is free")
            .check(range(0, 65535))
            .excludes(listen);
    command.add_option("--token-file", request->token_file,
                       "File with the token that requests must carry");
    command.add_option("--max-sequences", request->max_sequences, "Answers of a model at once")
        .check(range(std::size_t{1}, host::kMaxSequences))
        .capture_default_str();
    command.add_option("--queue", request->queue, "Requests that may wait for a place")
        .check(range(std::size_t{1}, host::kMaxWaiting))
        .capture_default_str();
    command
        .add_option("--context", request->context,
                    "Tokens of prompt and answer, at most (0: what the model can)")
        .check(range(std::size_t{0}, kMaxContextAsked))
        .capture_default_str();
    add_kv_option(command, request->kv);
    command
        .add_option("--memory", request->memory_mib,
                    "MiB for weights, keys and values (0: what is free, less a reserve)")
        .check(range(std::uint64_t{0}, kMaxMemoryMib))
        .capture_default_str();
    add_compute_options(command, *request);
    add_layer_server_options(command, request->over);
    add_wire_option(command, request->wire);
    command.add_flag("--quiet", request->quiet, "No line for each request");
    command.callback([request, port, given_port, &invocation] {
        request->json = invocation.json;
        if (given_port.count() > 0) request->listen = "127.0.0.1:" + std::to_string(*port);
        invocation.run = [request](std::ostream& out) { return run_serve(*request, out); };
    });
}

}  // namespace cairn::cli
