// Where `cairn serve` listens, and `cairn chat` asks, unless told otherwise; and the token that a
// server wants.
#pragma once

#include <string>

#include "base/result.h"

namespace cairn::cli {

/// Beside a node's API (8420).
inline constexpr const char* kServeAddress = "127.0.0.1:8432";

/// The first line of a file that nobody else may read (base/files.h). kInvalid if it is no token: 1
/// to 512 printable characters of ASCII without blanks.
Result<std::string> read_token(const std::string& file);

}  // namespace cairn::cli
