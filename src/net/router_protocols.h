// The protocols in which home routers are asked for a port: NAT-PMP (RFC 6886, which routers that
// speak PCP understand too, RFC 6887) by libnatpmp, and UPnP's IGD by miniupnpc.
#pragma once

#include <memory>

#include "net/port_mapper.h"

namespace cairn::net {

std::shared_ptr<RouterProtocol> nat_pmp();
std::shared_ptr<RouterProtocol> upnp();

/// Whether an interface of this machine has an address that is_public(): then no router stands
/// between it and the others.
bool has_public_address();

}  // namespace cairn::net
