// "host:port" and "[v6]:port": how peers are written down.
#pragma once

#include <string>

#include "base/result.h"

namespace cairn::net {

inline constexpr std::size_t kMaxAddressBytes = 260;

struct Address {
    std::string host;  ///< a name or a number, without brackets
    std::uint16_t port = 0;
};

/// kInvalid with a word on what is expected. Port 0 is accepted (listening at any).
Result<Address> parse_address(const std::string& text);
std::string to_string(const Address& address);

}  // namespace cairn::net
