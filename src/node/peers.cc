#include "node/peers.h"

#include <utility>

#include "net/address.h"

namespace cairn::node {

GroupOf group_of_peers(GroupOf given, const PeerTable& peers) {
    if (given) return given;
    return [&peers](net::PeerId peer) {
        const auto found = peers.find(peer);
        if (found == peers.end()) return std::string();
        const auto address = net::parse_address(found->second.info.address);
        return net::netgroup(address.ok() ? address->host : "");
    };
}

}  // namespace cairn::node
