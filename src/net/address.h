// "host:port" and "[v6]:port": how peers, listening places and the names in a Host field are
// written down. The one parser of addresses: what a host is gets decided by parsing it, never by
// how its text begins ("127.attacker.example" is a name, and a stranger's).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace cairn::net {

inline constexpr std::size_t kMaxAddressBytes = 260;

struct Address {
    std::string host;  ///< a name or a number, without brackets
    std::uint16_t port = 0;
};

/// kInvalid with a word on what is wrong. Port 0 is accepted (listening at any). A host that ends
/// in a number is an IPv4 address in four decimal numbers, or nothing.
Result<Address> parse_address(const std::string& text);
/// As parse_address, for where to connect: port 0 is refused too.
Result<Address> parse_peer_address(const std::string& text);
/// The host of "host", "host:port", "[v6]" or "[v6]:port": what the Host field of HTTP holds.
Result<std::string> parse_host_field(std::string_view text);
std::string to_string(const Address& address);

/// Whether `host` (as in Address) is this machine and nothing else: 127.0.0.0/8, ::1, the same
/// inside IPv6, or the name localhost.
bool is_loopback(const std::string& host);

}  // namespace cairn::net
