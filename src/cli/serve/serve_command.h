// `cairn serve MODEL...`: models for programs that speak OpenAI's API, and for people with a
// browser: on this machine, or one whose layers other machines compute.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/serve/serve_address.h"
#include "cli/write/draft.h"
#include "cli/write/layer_servers.h"
#include "tensor/kv_type.h"

namespace cairn::cli {

struct ServeRequest {
    std::vector<std::string> models;                   ///< empty only for a network's own
    LayerServerOptions over{};                         ///< with any, servers compute the layers
    tensor::StateType wire = tensor::StateType::kF32;  ///< of the states that they send
    std::string listen = kServeAddress;
    std::string token_file;  ///< empty: a token is made where one is needed
    std::size_t max_sequences = 16;
    std::size_t queue = 256;
    std::size_t context = 0;       ///< 0: each model's own
    std::size_t threads = 0;       ///< 0: one per processor
    std::uint64_t memory_mib = 0;  ///< 0: what is free, less a reserve
    tensor::KvType kv = tensor::KvType::kF32;
    DraftOptions draft{};
    bool quiet = false;  ///< no line for each request
    bool json = false;
};

/// Serves until a signal asks it to end. On `out` what is served and where; with json one object:
/// address, url, token (null: none is needed), models [{id, state, problem}].
Status run_serve(const ServeRequest& request, std::ostream& out);

}  // namespace cairn::cli
