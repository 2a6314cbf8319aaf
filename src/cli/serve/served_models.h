// What a server of models has, as its API lists it, and what to say where it refuses.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "cli/serve/serve_address.h"
#include "http/client.h"

namespace cairn::cli {

/// The list in the order of the server: objects with an "id", and with "cairn" facts where it is
/// one of ours. Errors say what to do: nobody_answers() where none does, refused_by_server() else.
Result<nlohmann::json> served_models(const ServerAddress& asked);

/// kRefused: the server wants a token, or in its own words, or what answers is no server of models.
Error refused_by_server(const http::Answer& answer);

}  // namespace cairn::cli
