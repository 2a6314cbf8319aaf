// How many files and connections the system lets this process have open at once. A node that runs
// out of them fails everywhere at once. So at its start it raises the limit as far as it may, makes
// fewer links where the limit stays low, and does not start where it is too low.
#pragma once

#include <cstddef>

#include "base/result.h"

namespace cairn::node {

/// What a node keeps open for itself: store, loop, listening places, a file being written.
inline constexpr std::size_t kOwnFiles = 32;
inline constexpr std::size_t kLeastFiles = kOwnFiles + 8;
/// With so many, the bounds on links are what they would be with any number.
inline constexpr std::size_t kEnoughFiles = 256;

struct LinkBounds {
    std::size_t peers = 64;
    std::size_t inbound = 48;  ///< of those
    std::size_t pending = 32;  ///< without a hello yet: so many inbound, so many dialled
};

/// What links may take of `files`, at least kLeastFiles.
LinkBounds link_bounds(std::size_t files);

/// Raises the process's soft limit as far as it may be, and logs where that stays below
/// kEnoughFiles. kFull, with what to do, below kLeastFiles.
Result<std::size_t> provide_open_files();

}  // namespace cairn::node
