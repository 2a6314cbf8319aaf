// "host:port" and "[v6]:port": how peers, listening places and the names in a Host field are
// written down. This is the only parser of addresses: it decides what a host is by reading all of
// it, never by how it begins ("127.attacker.example" is a name, and a stranger's).
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

/// kInvalid, saying what is wrong. Port 0 is accepted (to listen at any free port). A host whose
/// last part is a number must be an IPv4 address in four decimal numbers.
Result<Address> parse_address(const std::string& text);
/// As parse_address, for where to connect: port 0 is refused too.
Result<Address> parse_peer_address(const std::string& text);
/// The host of "host", "host:port", "[v6]" or "[v6]:port": what the Host field of HTTP holds.
Result<std::string> parse_host_field(std::string_view text);
std::string to_string(const Address& address);

/// Whether `host` (as in Address) is this machine and nothing else: 127.0.0.0/8, also as an
/// IPv4-mapped IPv6 address, ::1, or the name localhost.
bool is_loopback(const std::string& host);

/// Whether `host` (as in Address) is a number that routers pass on in the whole internet. Not so:
/// the ranges kept for home networks, for providers' own translation of addresses, for one machine
/// or wire, for documentation, and names, of which nothing is known.
bool is_public(const std::string& host);

/// The part of the network that a host (as in Address) belongs to. Addresses within one part are
/// cheap to own together, so what strangers may take is bounded for each: an IPv4 address's first
/// 16 bits, an IPv6 address's first 32. All names are one part, since names cost next to nothing.
std::string netgroup(const std::string& host);

}  // namespace cairn::net
