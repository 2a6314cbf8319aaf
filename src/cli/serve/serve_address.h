// Where `cairn serve` listens, and `cairn chat` asks, unless told otherwise; and the token that a
// server wants.
#pragma once

#include <string>

#include "base/result.h"

namespace cairn::cli {

/// Beside a node's API (8420).
inline constexpr const char* kServeAddress = "127.0.0.1:8432";

/// Where a model is asked for by OpenAI's API, and with which token (empty: none).
struct ServerAddress {
    std::string address;
    std::string token;
    bool is_node = false;
};

/// Who is asked: the node that runs on `dir`, the one at `node`, or else the server at `api`; at
/// most one of `dir` and `node` is given. `token_file` holds the token, which a node's own folder
/// knows. Errors are read_token()'s, or kNotFound where no node runs on `dir`.
Result<ServerAddress> server_address(const std::string& dir, const std::string& node,
                                     const std::string& api, const std::string& token_file);

/// What to say where nobody answers; other errors stay as they are.
Error nobody_answers(const Error& error, const ServerAddress& asked);

/// The first line of a file that nobody else may read (base/files.h). kInvalid if it is no token: 1
/// to 512 printable characters of ASCII without blanks.
Result<std::string> read_token(const std::string& file);

}  // namespace cairn::cli
