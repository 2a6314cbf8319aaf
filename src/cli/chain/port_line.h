// What came of asking the home's router for a port, for people and for scripts.
#pragma once

#include <iosfwd>

#include "net/port_mapper.h"

namespace cairn::cli {

/// One line, or with `json` one object: outside (the address, or null), reachable, message.
void tell_port(const net::PortReport& report, bool json, std::ostream& out);

}  // namespace cairn::cli
