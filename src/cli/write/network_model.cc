// A network's own model for somebody who has nothing but an address of it: embedding, norm, head
// and tokenizer are fetched and proved (node/light_model.h), the layers stay with servers.
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/remote_node.h"
#include "base/bytes_text.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/log.h"
#include "base/progress.h"
#include "cli/chain/cache_folder.h"
#include "cli/commands.h"
#include "cli/write/layer_servers.h"
#include "fetch/fetch_weights.h"
#include "net/address.h"
#include "node/light_model.h"

namespace cairn::cli {

namespace {

constexpr std::uint64_t kOldMs = 3'600'000;

/// Where the node of a data directory listens for peers, as this machine reaches it.
Result<std::string> peer_address(const node::NodeStatus& status, const std::string& directory) {
    if (status.listen_address.empty())
        return Error{ErrorCode::kRefused, "the node on " + directory +
                                              " does not listen for peers: start it with --listen "
                                              "127.0.0.1:0, or name another node's HOST:PORT"};
    ASSIGN_OR_RETURN(net::Address address, net::parse_address(status.listen_address));
    if (address.host == "0.0.0.0") address.host = "127.0.0.1";
    if (address.host == "[::]" || address.host == "::") address.host = "[::1]";
    return address.host + ":" + std::to_string(address.port);
}

Status name_nodes(const LayerServerOptions& options, node::LightOptions& light) {
    if (!options.genesis.empty()) {
        const auto genesis = fixed_from_hex<32>(options.genesis);
        if (!genesis.ok()) return misused("--genesis: " + genesis.error().message);
        light.genesis = *genesis;
    }
    if (!exists(options.servers_of) && net::parse_peer_address(options.servers_of).ok()) {
        light.nodes = {options.servers_of};
        return ok_status();
    }
    ASSIGN_OR_RETURN(const api::RemoteNode node, api::RemoteNode::of_directory(options.servers_of));
    ASSIGN_OR_RETURN(const node::NodeStatus status, node.status());
    ASSIGN_OR_RETURN(const std::string address, peer_address(status, options.servers_of));
    light.nodes = {address};
    if (!light.genesis) light.genesis = status.genesis_id;
    light.max_nodes = 1;  // one's own node has compared headers already
    return ok_status();
}

/// What was fetched, and on what it rests, in a sentence or two.
void tell(const node::LightChain& chain) {
    say(
        fmt::format("network {} (genesis {}): its model of block {}, {} of {} fetched; headers of "
                    "{} node{} checked up to block {}; {} layer server{} known",
                    chain.network.name, short_hex(chain.genesis_id), chain.height,
                    bytes_text(chain.bytes_fetched), bytes_text(chain.bytes_model), chain.nodes,
                    chain.nodes == 1 ? "" : "s", chain.tip_height, chain.servers.size(),
                    chain.servers.size() == 1 ? "" : "s"));
    const std::uint64_t now_ms = SystemClock().wall_ms();
    if (now_ms > chain.tip_time_ms + kOldMs)
        log_warn(
            "the latest block is {} hours old: the network stands still, or the nodes that "
            "were asked do not follow it",
            (now_ms - chain.tip_time_ms) / 3'600'000);
}

}  // namespace

Result<std::unique_ptr<LocalModel>> load_network_model(LayerServerOptions& options,
                                                       nlohmann::json* report,
                                                       std::function<bool()> should_stop) {
    if (options.audit > 0)
        return misused(
            "--audit computes layers again on this machine, which has only a part of a network's "
            "own model: name a file of the model by --model, or let a node audit "
            "(cairn node --verify)");
    node::LightOptions light;
    RETURN_IF_ERROR(name_nodes(options, light));
    ASSIGN_OR_RETURN(light.folder, cache_folder(options.cache, "networks"));
    RETURN_IF_ERROR(make_folders(light.folder));
    light.max_bytes = static_cast<std::uint64_t>(options.most_mib * 1024 * 1024);
    light.note = [](const std::string& sentence) { log_warn("{}", sentence); };
    light.should_stop = std::move(should_stop);
    const SystemClock clock;
    std::unique_ptr<Progress> bar;
    light.progress = [&](const std::string& what, std::uint64_t done, std::uint64_t total) {
        if (what != "weights") return;
        if (!bar) bar = std::make_unique<Progress>(clock, "fetching the model", total);
        bar->update(done, bytes_text(done) + " of " + bytes_text(total));
    };
    auto fetched = node::fetch_light_model(light);
    bar.reset();
    if (!fetched.ok() && fetched.error().code == ErrorCode::kTimeout)
        return Error{ErrorCode::kTimeout, options.servers_of + ": " + fetched.error().message};
    RETURN_IF_ERROR(fetched);
    tell(fetched->chain);
    ASSIGN_OR_RETURN(auto tokenizer, text::parse_tokenizer(fetched->chain.tokenizer));
    if (fetched->chain.servers.empty() && options.servers.empty())
        return not_found("the nodes of network " + fetched->chain.network.name +
                         " know no layer server: somebody has to run `cairn node --dir DIR --serve "
                         "auto`, or name one that is not announced by --server HOST:PORT");
    options.servers.insert(options.servers.end(), fetched->chain.servers.begin(),
                           fetched->chain.servers.end());
    options.servers_of.clear();
    if (report != nullptr)
        *report = {{"name", fetched->chain.network.name},
                   {"genesis_id", to_hex(fetched->chain.genesis_id)},
                   {"height", fetched->chain.height},
                   {"tip_height", fetched->chain.tip_height},
                   {"nodes", fetched->chain.nodes},
                   {"model", to_hex(fetched->name)},
                   {"bytes_fetched", fetched->chain.bytes_fetched},
                   {"bytes_model", fetched->chain.bytes_model}};
    const model::ParameterLayout layout = fetched->model.layout();
    auto local = std::make_unique<LocalModel>(LocalModel{
        std::move(fetched->model), "chain", std::move(tokenizer), layout, std::nullopt, {}});
    local->name = fetched->name;
    return local;
}

}  // namespace cairn::cli
