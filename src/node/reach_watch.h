// Why this node has no peers: remembers how each try to reach another node ended, and says so while
// no peer is linked. A node that reaches nobody looks exactly like one whose network is quiet, so
// without this its owner waits for ever.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "node/conditions.h"

namespace cairn::node {

/// Without a peer for so long, the node says so.
inline constexpr std::uint64_t kLonelyMs = 2'000;

class ReachWatch {
  public:
    /// The address could not be linked with, or no longer, for this reason. Its kind decides what
    /// people are advised (net/tls_network.h lists the kinds).
    void on_failed(const std::string& address, Error error);
    /// The address is a peer of ours now.
    void on_linked(const std::string& address) { failures_.erase(address); }
    bool has_failed(const std::string& address) const { return failures_.contains(address); }

    struct Place {
        std::size_t linked = 0;          ///< peers
        std::vector<std::string> named;  ///< addresses that the user gave
        std::size_t known = 0;           ///< addresses, theirs among them
        std::string network;             ///< its name
        std::string listen;              ///< where others can link to us; may be empty
    };
    /// Sets or clears condition::kNoPeers. `now_ms` is of a clock that never goes back.
    void look(const Place& place, std::uint64_t now_ms, Conditions& conditions);

  private:
    std::map<std::string, Error> failures_;  // the latest of each address; bounded
    std::optional<std::uint64_t> lonely_since_ms_;
};

}  // namespace cairn::node
