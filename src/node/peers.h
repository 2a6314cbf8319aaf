// What the node remembers of each link while it lasts.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/seen_cache.h"
#include "node/block_tree.h"
#include "node/messages.h"
#include "node/presync.h"
#include "node/told_branches.h"

namespace cairn::node {

/// A body that a peer was asked for.
struct BodyQuestion {
    std::uint64_t asked_ms = 0;
    bool late = false;  ///< it was counted as a lapse
};

struct Peer {
    net::PeerId id = 0;
    net::PeerInfo info;
    bool greeted = false;  ///< its hello came and fits
    bool ready = false;    ///< and ours was sent, since the chain is restored
    std::uint64_t linked_ms = 0;
    bool told_addresses = false;    ///< it was answered once, which is all that it gets
    bool awaits_addresses = false;  ///< we asked it for addresses and it has not answered
    Hello hello;
    ToldBranches branches;               ///< that it told us of
    std::uint64_t headers_asked_ms = 0;  ///< 0: no question is open
    std::uint64_t air_asked_ms = 0;      ///< when it was asked about headers in the air
    std::unique_ptr<Presync> presync;    ///< of a long branch; mostly null
    bool ask_again = false;              ///< for headers, when the next second has come
    bool put_off_said = false;           ///< that was logged once
    std::map<Hash256, BodyQuestion> bodies_asked;
    unsigned lapses = 0;    ///< bodies that it did not give soon; one that it gives halves them
    SeenCache knows{4096};  ///< blocks and items that it has, or was offered
};

using PeerTable = std::map<net::PeerId, Peer>;

/// Says which part of the network a peer is in: mostly the netgroup that its link comes from.
using GroupOf = std::function<std::string(net::PeerId)>;
/// `given`; if that is empty, the netgroup of the address that a peer of the table named.
GroupOf group_of_peers(GroupOf given, const PeerTable& peers);

}  // namespace cairn::node
