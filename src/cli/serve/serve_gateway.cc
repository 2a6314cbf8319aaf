#include "cli/serve/serve_gateway.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/write/own_audits.h"
#include "gateway/gateway.h"
#include "host/model_files.h"

namespace cairn::cli {

namespace {

/// Of prompt and answer, unless told otherwise: servers set room aside for it.
constexpr std::size_t kUsualContext = 4096;
constexpr std::size_t kMostTexts = 64;  // each has threads of its own
constexpr std::size_t kMostThreads = 8;

/// The file's model, with a name for it.
Result<std::pair<std::string, host::OpenedModel>> open_file(const std::string& path) {
    ASSIGN_OR_RETURN(const auto found, host::model_files({path}));
    if (found.size() != 1) return misused(path + " is not one model: name one of its files");
    ASSIGN_OR_RETURN(host::OpenedModel opened, found.front()->open());
    return std::pair(found.front()->id(), std::move(opened));
}

struct NetworkModel {
    std::string id;
    host::OpenedModel opened;
    std::optional<Hash256> name;
};

/// `over` names its servers afterwards.
Result<NetworkModel> open_network(LayerServerOptions& over,
                                  const std::function<bool()>& should_stop) {
    nlohmann::json report;
    ASSIGN_OR_RETURN(const std::unique_ptr<LocalModel> local,
                     load_network_model(over, &report, should_stop));
    NetworkModel network;
    network.id = report["name"].get<std::string>();
    network.name = local->name;
    network.opened.answers_as =
        fmt::format("{}@{}", network.id, report["height"].get<std::uint64_t>());
    network.opened.loaded.model = std::move(local->model);
    network.opened.loaded.format = local->format;
    network.opened.tokenizer = std::move(local->tokenizer);
    return network;
}

/// Tells its people and gives what the answer says.
std::vector<gateway::TraceAudit> audit_text(const LayerServerOptions& over,
                                            const AuditedModel& audited, const std::string& file,
                                            serve::NetworkLayers& layers,
                                            const tensor::Compute& compute) {
    const std::vector<OwnAudit> audits = audit_own(over, audited, layers.diaries_so_far(), compute);
    tell_audits(audits, file);
    return for_trace(audits);
}

Result<gateway::ServedModel> open_model(const ServeRequest& request, const Machine& machine,
                                        const std::shared_ptr<serve::Purse>& purse,
                                        const std::function<bool()>& should_stop) {
    LayerServerOptions over = request.over;
    NetworkModel found;
    if (request.models.empty()) {
        ASSIGN_OR_RETURN(found, open_network(over, should_stop));
    } else {
        ASSIGN_OR_RETURN(auto file, open_file(request.models.front()));
        found.id = std::move(file.first);
        found.opened = std::move(file.second);
    }
    model::Model& model = found.opened.loaded.model;
    if (!model.config.has_head())
        return Error{ErrorCode::kUnsupported, found.id + " is an encoder: it writes no text"};
    SamplingOptions sampling;
    sampling.kv = request.kv;
    sampling.states = request.wire;
    auto audited = std::make_shared<AuditedModel>();
    ASSIGN_OR_RETURN(LayerServers servers,
                     LayerServers::of(over, model, found.name, sampling, purse, *audited));
    if (const Status there = servers.look(); !there.ok())
        say(there.error().message + "; answers wait for it, and ask again");
    const std::size_t context = request.context > 0 ? request.context : kUsualContext;
    gateway::ServedModel served;
    served.model = std::make_shared<const host::ReadyModel>(found.id, std::move(found.opened),
                                                            context, machine.compute());
    served.id = std::move(found.id);
    if (over.audit > 0)
        served.audit = [audited, over, file = request.models.front()](
                           serve::NetworkLayers& layers, const tensor::Compute& compute) {
            return audit_text(over, *audited, file, layers, compute);
        };
    served.kv = request.kv;
    served.states = request.wire;
    served.wait_ms = static_cast<std::uint64_t>(over.wait_s * 1000);
    served.may_change = request.models.empty();
    served.connect = [servers = std::make_shared<const LayerServers>(std::move(servers))](
                         std::size_t room) { return servers->connect(room); };
    return served;
}

}  // namespace

Status check_serve_over(const ServeRequest& request) {
    RETURN_IF_ERROR(check_layer_servers(request.over));
    if (!request.over.any()) {
        if (request.models.empty())
            return misused(
                "name what to serve: a model's file or folder, or a network whose own model layer "
                "servers compute: --servers-of HOST:PORT");
        if (request.wire != tensor::StateType::kF32)
            return misused(
                "--wire is the type of states that layer servers send: name some by "
                "--server HOST:PORT or --servers-of DIR");
        return ok_status();
    }
    if (request.models.size() > 1)
        return misused("over layer servers one model is served at a time: name one");
    if (request.models.empty() && request.over.servers_of.empty())
        return misused(
            "--server HOST:PORT wants the model's file, too: cairn serve FILE --server "
            "HOST:PORT");
    if (request.max_sequences > kMostTexts)
        return misused(fmt::format("over layer servers --max-sequences is at most {}", kMostTexts));
    if (request.memory_mib > 0)
        return misused("--memory bounds models on this machine; over layer servers little is here");
    if (!request.draft.who.empty() && !request.draft.is_repeat())
        return misused("over layer servers --draft takes the word repeat");
    return ok_status();
}

Result<std::unique_ptr<host::TextHost>> start_gateway(const ServeRequest& request,
                                                      const Machine& machine,
                                                      const std::function<bool()>& should_stop) {
    gateway::GatewayOptions options;
    // One for all models that the network's own becomes: its budget is the person's.
    ASSIGN_OR_RETURN(const std::shared_ptr<serve::Purse> purse, open_purse(request.over.pay));
    options.open = [&machine, &should_stop, request, purse] {
        return open_model(request, machine, purse, should_stop);
    };
    // Vouchers of a channel are given by one session at a time.
    options.max_texts = request.over.pay.any() ? 1 : request.max_sequences;
    options.max_waiting = request.queue;
    options.threads = std::min(machine.threads(), kMostThreads);
    options.draft_tokens = request.draft.tokens;
    if (request.draft.is_repeat())
        options.drafter = [] { return std::make_unique<infer::RepeatDrafter>(); };
    ASSIGN_OR_RETURN(auto gateway, gateway::Gateway::start(std::move(options)));
    return std::unique_ptr<host::TextHost>(std::move(gateway));
}

}  // namespace cairn::cli
