// How others reach this machine, for people and for scripts: what came of asking the home's router
// for a port, and of asking a relay to pass links on.
#pragma once

#include <iosfwd>

#include "net/port_mapper.h"
#include "net/relay_messages.h"

namespace cairn::cli {

/// One line, or with `json` one object: outside (the address, or null), reachable, message.
void tell_port(const net::PortReport& report, bool json, std::ostream& out);

/// One line, or with `json` one object: through, passes_on, address.
void tell_relay(const net::RelayedAddress& address, bool passes_on, bool json, std::ostream& out);
/// The line.
std::string relay_line(const net::RelayedAddress& address, bool passes_on);

}  // namespace cairn::cli
