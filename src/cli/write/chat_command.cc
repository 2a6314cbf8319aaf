#include "cli/write/chat_command.h"

#include <memory>

#include <fmt/format.h>

#include "base/outputs.h"
#include "cli/commands.h"
#include "cli/local_model.h"
#include "cli/options.h"
#include "cli/serve/server_partner.h"
#include "cli/write/chat_talk.h"
#include "cli/write/own_audits.h"
#include "infer/chat_session.h"

namespace cairn::cli {

namespace {

constexpr std::size_t kMaxSteps = 1U << 20;
// The default limit of the context; more memory for the KV cache must be asked for with --context.
constexpr std::size_t kUsualContext = 8192;

// A model of a file.
class LocalPartner final : public ChatPartner {
  public:
    LocalPartner(infer::ChatSession& session, const ChatRequest& request, infer::StopStrings stops,
                 const Draft& draft)
        : session_(session), stops_(std::move(stops)), draft_(draft) {
        options_.sampling = request.sampling.settings;
        options_.max_tokens = request.steps;
    }

    std::string about() const override {
        return fmt::format("{} tokens of memory, turns as {}", session_.positions(), format());
    }
    std::string format() const override { return std::string(session_.format().name()); }
    std::string default_system() const override { return session_.format().default_system(); }
    void reset(std::optional<std::string> system) override { session_.reset(std::move(system)); }
    const std::vector<text::ChatMessage>& messages() const override { return session_.messages(); }
    Result<infer::ChatAnswer> answer(const std::string& user,
                                     const infer::ChatHooks& hooks) override {
        return session_.answer(user, options_, stops_, hooks, draft_.speculation());
    }

  private:
    infer::ChatSession& session_;
    infer::StopStrings stops_;
    const Draft& draft_;
    infer::GenerateOptions options_;
};

}  // namespace

Result<int> run_chat(const ChatRequest& request, console::LineReader& in, std::ostream& out) {
    RETURN_IF_ERROR(check_sampling(request.sampling));
    RETURN_IF_ERROR(check_layer_servers(request.over));
    const bool of_network = request.model.empty() && !request.over.servers_of.empty();
    if (request.model.empty() && !of_network) {
        ASSIGN_OR_RETURN(const auto partner, ServerPartner::find(request));
        return talk(request, *partner, in, out);
    }
    RETURN_IF_ERROR(check_draft(request.draft));
    ASSIGN_OR_RETURN(infer::StopStrings stops, infer::StopStrings::create(request.sampling.stops));
    ASSIGN_OR_RETURN(const auto machine, Machine::create(request.threads));
    LayerServerOptions over = request.over;
    std::unique_ptr<LocalModel> local;
    if (of_network) {
        ASSIGN_OR_RETURN(local, load_network_model(over, nullptr));
    } else {
        ASSIGN_OR_RETURN(local, load_local_model(request.model, request.tokenizer));
    }
    // Over servers its layers run there.
    if (!request.over.any()) pack_local_model(machine->compute(), *local);
    const text::Tokenizer& tokenizer = *local->tokenizer;
    text::ChatFormat format = text::ChatFormat::choose(tokenizer);
    if (!request.format.empty()) {
        auto named = text::ChatFormat::named(request.format, tokenizer);
        if (!named.ok()) return misused("--format: " + named.error().message);
        format = *std::move(named);
    }
    const std::size_t most = local->model.config.context;
    if (request.context > most)
        return misused(
            fmt::format("--context {} is more than the {} tokens that this model can "
                        "remember",
                        request.context, most));
    const std::size_t positions =
        std::min(most, request.context > 0 ? request.context : kUsualContext);
    std::unique_ptr<infer::LayerStack> layers;
    serve::NetworkLayers* remote = nullptr;
    AuditedModel audited;
    if (request.over.any()) {
        ASSIGN_OR_RETURN(
            auto connected,
            connect_layers(over, {.positions = positions, .sampling = request.sampling},
                           machine->compute(), *local, audited));
        remote = connected.get();
        layers = std::move(connected);
    }
    infer::ChatSession session(local->model.config, local->model.weights, tokenizer, format,
                               machine->compute(), positions, request.sampling.kv,
                               request.sampling.states, std::move(layers));
    ASSIGN_OR_RETURN(const Draft draft, Draft::load(request.draft, *local, machine->compute(),
                                                    request.sampling.settings));
    LocalPartner partner(session, request, std::move(stops), draft);
    ASSIGN_OR_RETURN(const int code, talk(request, partner, in, out));
    if (remote == nullptr) return code;
    const std::vector<OwnAudit> audits =
        audit_own(request.over, audited, remote->diaries(), machine->compute());
    tell_audits(audits, request.model);
    return anybody_lied(audits) ? 1 : code;
}

namespace {

/// For talking with a model that somebody serves.
void add_server_options(const Command& command, ChatRequest& request, Option model) {
    const auto api = command.add_option("--api", request.api, "HOST:PORT of the server")
                         .excludes(model)
                         .capture_default_str();
    const auto dir = command.add_option("--dir", request.dir,
                                        "Talk with the chain's model of the node that runs on this "
                                        "data directory");
    dir.excludes(model).excludes(api);
    command
        .add_option("--node", request.node,
                    "The same of the node whose API listens at this HOST:PORT")
        .excludes(model)
        .excludes(api)
        .excludes(dir);
    command.add_option("--served", request.served, "Which of the server's models").excludes(model);
    command.add_option("--token-file", request.token_file, "File with the token that it wants")
        .excludes(model)
        .excludes(dir);
}

}  // namespace

void add_chat(const Command& app, Invocation& invocation) {
    const Command command = add_command(
        app, invocation, "chat", "Talk with a model: a network's, one that is served, or a file's",
        "cairn chat                    (with `cairn serve MODEL` running)\n"
        "  cairn chat --dir ~/guild      (with `cairn node --dir ~/guild` running)\n"
        "  cairn chat qwen2.5-0.5b-instruct-q8_0.gguf\n"
        "  cairn chat --model large.gguf --server 192.0.2.7:8500 --server 192.0.2.8:8500\n"
        "  cairn chat --servers-of 192.0.2.7:8333   (a network's own model, by one address)\n"
        "  cairn chat --model folder --system \"Answer in one sentence.\" --stats");
    auto request = std::make_shared<ChatRequest>();
    request->sampling.settings.temperature = 0.7F;
    request->sampling.settings.top_p = 0.95F;
    const auto model = command.add_option("--model,model", request->model,
                                          "Model file or folder; without it, a server is asked");
    add_server_options(command, *request, model);
    add_tokenizer_option(command, request->tokenizer).needs(model);
    // What is for a model whose embedding and head are here.
    auto own = std::make_shared<std::vector<Option>>();
    own->push_back(
        command.add_option("--format", request->format,
                           "How turns are written: chatml, llama3, llama2, mistral, gemma, zephyr, "
                           "phi3, plain (default: as the model says)"));
    own->push_back(add_draft_options(command, request->draft));
    const auto [server, servers_of] = add_layer_server_options(command, request->over);
    own->push_back(server);
    for (const char* other : {"--api", "--dir", "--node"})
        servers_of.excludes(command.get_option(other));
    command.add_option("--system", request->system, "System message");
    command.add_option("--steps", request->steps, "Tokens of one answer, at most")
        .check(range(std::size_t{1}, kMaxSteps))
        .capture_default_str();
    own->push_back(command
                       .add_option("--context", request->context,
                                   "Tokens to remember (default: what the model can, at most 8192)")
                       .check(range(std::size_t{0}, std::size_t{model::kMaxContext})));
    add_sampling_options(command, request->sampling);
    own->push_back(command.get_option("--kv"));
    own->push_back(add_wire_option(command, request->sampling.states));
    own->push_back(add_threads_option(command, request->threads));
    command.add_option("--history", request->history, "File to keep typed lines in");
    command.add_flag("--stats", request->stats, "Say after each answer how fast it came");
    command.callback([request, own, &invocation] {
        request->json = invocation.json;
        invocation.exact_text = true;
        invocation.run = [request, own, &invocation](std::ostream& out) -> Status {
            if (request->model.empty() && request->over.servers_of.empty())
                for (const Option option : *own)
                    if (option.count() > 0)
                        return misused(option.get_name() +
                                       " is for a model of a file or over servers: give --model "
                                       "FILE or --servers-of HOST:PORT");
            RETURN_IF_ERROR(
                check_outputs({{"--history", request->history}},
                              {{"--model", request->model}, {"--tokenizer", request->tokenizer}}));
            ASSIGN_OR_RETURN(const auto in,
                             console::standard_input(request->history, request->json));
            ASSIGN_OR_RETURN(invocation.exit_code, run_chat(*request, *in, out));
            return ok_status();
        };
    });
}

}  // namespace cairn::cli
