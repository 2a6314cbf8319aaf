#include "cli/serve/serve_address.h"

#include <algorithm>

#include <fmt/core.h>

#include "api/api_file.h"
#include "base/files.h"

namespace cairn::cli {

namespace {

constexpr std::size_t kMaxTokenBytes = 512;

}  // namespace

Result<ServerAddress> server_address(const std::string& dir, const std::string& node,
                                     const std::string& api, const std::string& token_file) {
    if (!dir.empty()) {
        ASSIGN_OR_RETURN(const api::ApiFile file, api::read_api_file(dir));
        return ServerAddress{file.address, file.token, true};
    }
    ServerAddress asked{node.empty() ? api : node, "", !node.empty()};
    if (!token_file.empty()) {
        ASSIGN_OR_RETURN(asked.token, read_token(token_file));
    }
    return asked;
}

Error nobody_answers(const Error& error, const ServerAddress& asked) {
    if (error.code != ErrorCode::kRefused) return error;
    if (asked.is_node)
        return {ErrorCode::kRefused,
                fmt::format("no node answers at {}; start it with `cairn node --dir DIR`",
                            asked.address)};
    return {ErrorCode::kRefused,
            fmt::format("no server answers at {}; start one with `cairn serve MODEL`, name "
                        "another with --api HOST:PORT, or talk with a file: `cairn chat FILE`",
                        asked.address)};
}

Result<std::string> read_token(const std::string& file) {
    RETURN_IF_ERROR(check_secret(file));
    ASSIGN_OR_RETURN(const Bytes bytes, read_file(file, kMaxTokenBytes + 2));
    std::string token(bytes.begin(), bytes.end());
    if (token.ends_with('\n')) token.pop_back();
    if (token.ends_with('\r')) token.pop_back();
    const bool plain = std::ranges::all_of(token, [](char c) { return c > ' ' && c < '\x7f'; });
    if (token.empty() || token.size() > kMaxTokenBytes || !plain)
        return invalid(file + " holds no token: one line of 1 to 512 letters, digits and signs");
    return token;
}

}  // namespace cairn::cli
