// Who yields when all places for peers that dialled us are taken. If a newcomer were refused, as
// many connections as there are places, from one machine, would keep everybody else out for as
// long as they last. So a newcomer is taken and another peer yields: the youngest of the most
// crowded part of the network. Peers that proved useful lately, and the older half of the rest,
// do not yield, so nobody can push out all of them by connecting again and again.
//
// What is of use the owner says (Network::mark_useful): a node is given blocks by its peers, a
// layer server gives its clients what they asked for.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "net/network.h"

namespace cairn::net {

/// A peer that dialled us.
struct Place {
    PeerId id = 0;             ///< smaller: older
    std::string group;         ///< netgroup() of the host that it came from
    std::uint64_t useful = 0;  ///< larger: proved useful later; 0: not yet
};

/// The peer that makes room for another; nothing if there is no peer at all. Of those that proved
/// useful the latest `kept_for_use` stay, three quarters of all at most.
std::optional<PeerId> place_to_yield(std::vector<Place> taken, std::size_t kept_for_use);

/// Of connections that are not introduced yet, the one that makes room for one from `newcomer`:
/// the oldest of the most crowded group, if that group has as many of them as the newcomer's group
/// would have. Otherwise nothing: the newcomer is turned away. An introduction takes a moment and
/// silence ten seconds, so silent connections from as many groups as there are places, where the
/// oldest did not yield, would keep everybody out by dialling three times a second.
std::optional<PeerId> pending_to_yield(const std::vector<Place>& pending,
                                       const std::string& newcomer);

/// The same of places that are used: that group must have more than the newcomer's would have, so
/// that two groups which have as many do not push out each other in turn.
std::optional<PeerId> used_to_yield(const std::vector<Place>& used, const std::string& newcomer);

}  // namespace cairn::net
