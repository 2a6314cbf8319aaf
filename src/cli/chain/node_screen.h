// How a node looks to people: the block of lines that `cairn node` keeps on a terminal and that
// `cairn chain status` prints once, and the one line that a log gets. Pure functions of a status.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "node/node_api.h"

namespace cairn::cli {

/// How fast the chain is caught up with, from the heights seen in the last half minute.
class SyncPace {
  public:
    void see(std::uint64_t height, std::uint64_t now_ms);
    /// Milliseconds until `target` at that pace; nullopt while it cannot be told.
    std::optional<std::uint64_t> left_ms(std::uint64_t target) const;

  private:
    struct Seen {
        std::uint64_t ms = 0;
        std::uint64_t height = 0;
    };
    std::deque<Seen> seen_;
};

struct NodeScreen {
    node::NodeStatus status;
    std::string api;                       ///< "127.0.0.1:8420"; empty: none
    std::uint64_t now_ms = 0;              ///< since 1970
    std::optional<std::uint64_t> up_ms;    ///< since the node was started, where that is known
    std::optional<std::uint64_t> left_ms;  ///< until the chain is caught up with
};

/// Lines of at most `columns`: name, what is wrong, and then how far it is.
std::vector<std::string> render_node(const NodeScreen& screen, std::size_t columns);
/// For a log: "height 12, round 1 block 5/8, 3 peers, ...".
std::string node_line(const node::NodeStatus& status);

}  // namespace cairn::cli
