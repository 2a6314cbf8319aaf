// The process behind `cairn node --serve A-B --model FILE --listen HOST:PORT` where no chain is
// involved: a pure layer server, which runs until it is told to stop.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "serve/layer_server.h"

namespace cairn::serve {

struct RunServerOptions {
    std::string layers;  ///< "A-B": layers A up to but not including B; "auto": all
    std::string model_file;
    std::string listen = "127.0.0.1:0";  ///< "host:port", port 0: any
    std::string key_file;                ///< made on first use; empty: a fresh key in memory
    std::size_t threads = 1;
    LayerServerOptions server;  ///< bounds; `threads` above wins
    bool json = false;
    /// Called on the loop once it listens, with its address and key.
    std::function<void(const std::string& address, const crypto::PublicKey& key)> started;
    /// Asked every 200 ms; true stops it as SIGINT and SIGTERM do. May be empty.
    std::function<bool()> should_stop;
};

/// Runs until stopped; then says goodbye to its peers. Errors are those of starting: a file that
/// cannot be read, layers that the model does not have, a port in use.
Status run_server(const RunServerOptions& options);

/// "2-5" is [2, 5); "auto" is all of them. kInvalid outside the model or when empty.
Result<model::LayerRange> parse_layers(const std::string& text, std::uint32_t layers);

}  // namespace cairn::serve
