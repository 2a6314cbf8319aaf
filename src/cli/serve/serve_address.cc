#include "cli/serve/serve_address.h"

#include <algorithm>

#include "base/files.h"

namespace cairn::cli {

namespace {

constexpr std::size_t kMaxTokenBytes = 512;

}  // namespace

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
