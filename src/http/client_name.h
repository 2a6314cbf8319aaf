// Who asks, as far as fairness goes: those of one name share what one client may have.
#pragma once

#include <string>

namespace cairn::http {

/// The name of whoever connects from `address` (a number, without port); empty if that does not
/// tell: on this machine anybody can have any number of addresses, so each connection is a client.
/// An IPv4 address is a client, also where it is written as an IPv6 one. Of IPv6 it is the first 64
/// bits, since that is what one subscriber gets, with 2^64 addresses to choose from.
std::string client_name(const std::string& address);

}  // namespace cairn::http
