#include "cli/chain/serve_layers.h"

#include <ostream>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "base/bytes_text.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/progress.h"
#include "base/shell_word.h"
#include "cli/chain/cache_folder.h"
#include "cli/chain/port_line.h"
#include "cli/serve/servers_command.h"
#include "console/json_line.h"
#include "fetch/fetch_weights.h"
#include "node/open_files.h"
#include "serve/fetched_layers.h"
#include "serve/run_part.h"
#include "serve/run_server.h"

namespace cairn::cli {

namespace {

/// Those that the node knows as servers of this very model.
Result<std::vector<std::string>> known_sources(const ServeLayersRequest& request) {
    const auto name = serve::model_name_in(request.model);
    if (!name)
        return misused(
            "--servers-of says who may give a model that is named by its content hash: "
            "give --model HASH");
    ASSIGN_OR_RETURN(const auto known, known_servers(request.servers_of));
    std::vector<std::string> sources;
    for (const node::ServerView& server : known)
        if (server.record.model == *name) sources.push_back(server.record.address);
    if (sources.empty())
        return not_found("none of the " + std::to_string(known.size()) +
                         " layer servers that the node knows has model " + short_hex(*name));
    return sources;
}

}  // namespace

Status run_serve_layers(const ServeLayersRequest& request, std::ostream& out) {
    RETURN_IF_ERROR(node::provide_open_files());
    serve::RunServerOptions options;
    options.layers = request.layers;
    options.model_file = request.model;
    options.sources = request.from;
    options.encoder = request.encoder;
    if (!request.servers_of.empty()) {
        ASSIGN_OR_RETURN(const std::vector<std::string> known, known_sources(request));
        options.sources.insert(options.sources.end(), known.begin(), known.end());
    }
    options.gives_weights = request.give_weights;
    ASSIGN_OR_RETURN(options.folder, cache_folder(request.weights_dir, "weights"));
    const SystemClock clock;
    std::unique_ptr<Progress> bar;
    options.fetching = [&](const fetch::LeafFetcher::Progress& progress) {
        if (!bar) bar = std::make_unique<Progress>(clock, "fetching layers", progress.total);
        bar->update(progress.done, bytes_text(progress.done) + " of " + bytes_text(progress.total) +
                                       " from " + std::to_string(progress.sources));
    };
    options.listen = request.listen;
    options.map_port = request.map_port;
    options.port_mapped = [&](const net::PortReport& report) {
        tell_port(report, request.json, out);
    };
    options.relay.max_circuits = request.relay;
    options.relay.bytes_per_s = request.relay_kib * 1024;
    options.through = request.through;
    options.relay_answered = [&](const net::RelayedAddress& address, bool passes_on) {
        tell_relay(address, passes_on, request.json, out);
    };
    options.lead = {.parts = request.parts, .key_file = request.part_key, .sizes = request.shares};
    options.server.threads = request.threads;
    options.attention.max_rows = request.prove_rows;
    options.server.lies = request.lie;
    options.started = [&](const serve::ServerReady& ready) {
        bar.reset();
        if (request.json) {
            const nlohmann::json object = {{"address", ready.address},
                                           {"key", to_hex(ready.key)},
                                           {"model", to_hex(ready.model)},
                                           {"layers", {ready.layers.begin, ready.layers.end}},
                                           {"parameters", ready.parameters},
                                           {"fetched_bytes", ready.fetched}};
            out << console::json_line(object) << std::flush;
            return;
        }
        // A client needs the file, which a server that fetched its layers does not have.
        const std::string file = exists(request.model) ? shell_word(request.model) : "FILE";
        out << fmt::format(
                   "serving layers {}-{} ({} parameters) of model {} at {}\n"
                   "use it: cairn generate --server {} --model {}{} --prompt \"...\"\n",
                   ready.layers.begin, ready.layers.end, ready.parameters, short_hex(ready.model),
                   ready.address, ready.address, file, request.encoder ? " --encoder-too" : "")
            << std::flush;
    };
    return serve::run_server(options);
}

Status run_serve_part(const ServeLayersRequest& request, std::ostream& out) {
    RETURN_IF_ERROR(node::provide_open_files());
    serve::RunPartOptions options;
    options.layers = request.layers;
    options.model_file = request.model;
    options.key_file = request.part_of;
    options.listen = request.listen;
    options.threads = request.threads;
    options.started = [&](const serve::ServerReady& ready) {
        if (request.json) {
            const nlohmann::json object = {{"address", ready.address},
                                           {"model", to_hex(ready.model)},
                                           {"layers", {ready.layers.begin, ready.layers.end}}};
            out << console::json_line(object) << std::flush;
            return;
        }
        out << fmt::format(
                   "a part of layers {}-{} of model {} at {}\n"
                   "lead it: cairn node --serve {} --model {} --part {} --part-key {}\n",
                   ready.layers.begin, ready.layers.end, short_hex(ready.model), ready.address,
                   request.layers, shell_word(request.model), ready.address,
                   shell_word(request.part_of))
            << std::flush;
    };
    return serve::run_part(options);
}

}  // namespace cairn::cli
