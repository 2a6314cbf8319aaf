#include "cli/write/layer_servers.h"

#include <CLI/CLI.hpp>

#include "base/log.h"
#include "serve/model_snapshot.h"

namespace cairn::cli {

namespace {

constexpr double kMostWaitS = 86'400;
constexpr std::size_t kMostStandbys = 4;

}  // namespace

CLI::Option* add_layer_server_options(CLI::App& command, LayerServerOptions& options) {
    auto* server = command.add_option(
        "--server", options.servers,
        "Let servers compute the layers: HOST:PORT of one, or KEY@HOST:PORT through a relay; again "
        "for each, spare ones too");
    command
        .add_option("--standby", options.standbys,
                    "With --server: spare servers for each stretch of layers that are fed the same "
                    "and take over at once; without, one that takes over computes the text so far")
        ->needs(server)
        ->check(CLI::Range(std::size_t{0}, kMostStandbys))
        ->capture_default_str();
    command
        .add_option("--wait", options.wait_s,
                    "With --server: seconds to wait in mid-sentence for a server when nobody holds "
                    "some layers any more")
        ->needs(server)
        ->check(CLI::Range(0.0, kMostWaitS))
        ->capture_default_str();
    add_pay_options(command, options.pay, server);
    return server;
}

Result<std::unique_ptr<serve::NetworkLayers>> connect_layers(const LayerServerOptions& options,
                                                             const tensor::Compute& compute,
                                                             LocalModel& local,
                                                             std::size_t positions,
                                                             const SamplingOptions& sampling) {
    serve::NetworkLayersOptions network;
    network.remote.servers = options.servers;
    network.remote.max_positions = static_cast<std::uint32_t>(positions);
    network.remote.kv = sampling.kv;
    network.remote.wire = sampling.states;
    network.remote.standbys = options.standbys;
    network.remote.wait_ms = static_cast<std::uint64_t>(options.wait_s * 1000);
    network.remote.note = [](const std::string& line) { log_info("{}", line); };
    // Servers know a model by its canonical weights.
    const Hash256 hash = serve::content_hash(local.model.config, local.model.weights);
    local.model.weights.layers.assign(local.model.config.layers, {});
    pack_local_model(compute, local);
    ASSIGN_OR_RETURN(network.purse, open_purse(options.pay));
    if (network.purse) {
        ASSIGN_OR_RETURN(const std::vector<serve::Hop> hops,
                         serve::NetworkLayers::look(hash, local.model.config, network));
        if (const std::string price = price_sentence(hops); !price.empty()) say(price);
        RETURN_IF_ERROR(open_missing_channels(options.pay, hops));
    }
    return serve::NetworkLayers::connect(hash, local.model.config, network);
}

}  // namespace cairn::cli
