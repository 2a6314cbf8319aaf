// Which sessions yield when a newcomer's does not fit into a layer server any more. Keys and
// sessions cost nothing, so whoever came first must not keep what it holds: a server gives its
// memory to those who compute, and divides it between the parts of the network (net/address.h) and
// within a part between keys. A pure function, so that it can be tested and explained.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "crypto/keys.h"

namespace cairn::serve {

/// Who holds memory, or asks for it.
struct MemoryShare {
    std::string group;      ///< part of the network that the client comes from
    crypto::PublicKey key;  ///< of the client
    std::uint64_t bytes = 0;
};

struct HeldSession {
    std::uint64_t serial = 0;
    MemoryShare share;
    bool computed = false;        ///< it was given a result
    std::uint64_t unused_ms = 0;  ///< since it was opened, or since it was last at work
};

/// A session that has not been at work for so long is at rest.
inline constexpr std::uint64_t kRestMs = 10'000;

/// The serials of the sessions that end so that `asks` fits into `all` bytes, none if it fits as it
/// is; nothing if it gets no place. One yields after another, of those that may:
///   * at rest and never computed anything, where the newcomer's part of the network holds no more;
///   * at rest, where that part holds no less than the newcomer's would then hold;
///   * at work, where it holds more than that.
/// Within the newcomer's own part the same goes for keys, and of its own key whatever is at rest.
/// First goes what never computed, then the
/// part and the key that hold most, then what has been unused for longest.
std::optional<std::vector<std::uint64_t>> sessions_to_yield(std::vector<HeldSession> held,
                                                            const MemoryShare& asks,
                                                            std::uint64_t all);

}  // namespace cairn::serve
