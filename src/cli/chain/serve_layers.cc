#include "cli/chain/serve_layers.h"
#include "cli/chain/port_line.h"
#include "console/json_line.h"

#include <ostream>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "node/open_files.h"
#include "serve/run_server.h"

namespace cairn::cli {

Status run_serve_layers(const ServeLayersRequest& request, std::ostream& out) {
    RETURN_IF_ERROR(node::provide_open_files());
    serve::RunServerOptions options;
    options.layers = request.layers;
    options.model_file = request.model;
    options.listen = request.listen;
    options.map_port = request.map_port;
    options.port_mapped = [&](const net::PortReport& report) {
        tell_port(report, request.json, out);
    };
    options.server.threads = request.threads;
    options.started = [&](const serve::ServerReady& ready) {
        if (request.json) {
            const nlohmann::json object = {{"address", ready.address},
                                           {"key", to_hex(ready.key)},
                                           {"model", to_hex(ready.model)},
                                           {"layers", {ready.layers.begin, ready.layers.end}},
                                           {"parameters", ready.parameters}};
            out << console::json_line(object) << std::flush;
            return;
        }
        out << fmt::format(
                   "serving layers {}-{} ({} parameters) of model {} at {}\n"
                   "use it: cairn generate --server {} --model {} --prompt \"...\"\n",
                   ready.layers.begin, ready.layers.end, ready.parameters, short_hex(ready.model),
                   ready.address, ready.address, request.model)
            << std::flush;
    };
    return serve::run_server(options);
}

}  // namespace cairn::cli
