// Whose push a layer server computes next. In the order in which pushes come, whoever has many
// sessions, or sends long prefills, would make everybody else wait for all of that at every token.
// So what is computed is divided: between the parts of the network (net/address.h) that wait, and
// within a part between sessions. It is fair queueing by virtual time: each counter says how much
// was computed for its owner, who waited before counts from the present level on, and the lowest is
// next.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace cairn::serve {

/// A session's part of the account; belongs to it.
struct Turn {
    std::string group;         ///< part of the network that the client comes from
    std::uint64_t served = 0;  ///< cost of what was computed for it
    std::uint64_t epoch = 0;
};

class Turns {
  public:
    /// Something of the session waits, and nothing of it did before.
    void begin(Turn& turn);
    /// Nothing of the session waits any more: it was computed, or the session is over.
    void end(const Turn& turn);
    /// A push of the session is computed now.
    void charge(Turn& turn, std::uint64_t cost);
    /// Smaller comes first: of two sessions that wait, by what the next push of each costs.
    std::pair<std::uint64_t, std::uint64_t> rank(const Turn& turn, std::uint64_t cost) const;

  private:
    struct Group {
        std::uint64_t served = 0;
        std::uint64_t level = 0;  ///< of its sessions: where a new one begins
        std::size_t waiting = 0;  ///< sessions
    };

    std::map<std::string, Group> groups_;
    std::uint64_t level_ = 0;  ///< of the groups
    std::size_t waiting_ = 0;
    std::uint64_t epoch_ = 1;  ///< all counters begin anew when nothing waits
};

}  // namespace cairn::serve
