// The process behind `cairn node --serve A-B --model FILE --part-of KEYFILE`: a part of a divided
// server (S45), which computes for the lead that has the same key file and for nobody else.
#pragma once

#include <functional>
#include <string>

#include "serve/layer_part.h"
#include "serve/run_server.h"

namespace cairn::serve {

struct RunPartOptions {
    std::string layers{};  ///< see parse_layers
    std::string model_file{};
    std::string key_file{};  ///< see load_part_keys
    std::string listen = "127.0.0.1:0";
    std::size_t threads = 1;
    LayerPartOptions part{};
    /// Called on the loop once it listens; may be empty.
    std::function<void(const ServerReady&)> started{};
    /// Asked every 200 ms on the loop; true stops it as SIGINT and SIGTERM do. May be empty.
    std::function<bool()> should_stop{};
};

/// Runs until stopped. Errors are those of starting. Blocks the calling thread, which becomes the
/// loop.
Status run_part(const RunPartOptions& options);

}  // namespace cairn::serve
