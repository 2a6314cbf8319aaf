// LtHash16: a hash of a set that is updated element by element. Each element becomes 1024 numbers
// of 16 bits (SHAKE128 of its bytes); the set's state is their sum modulo 2^16. Order does not
// matter, removing undoes adding exactly, and both cost O(1): that is how the set of unspent coins
// is committed to in every block. (Bellare and Micciancio 1997; Lewi et al. 2019, "Securing
// Update Propagation with Homomorphic Hashing".) It hashes multisets: the caller sees to it that
// no element is in twice.
#pragma once

#include <array>

#include "base/bytes.h"

namespace cairn::crypto {

class LtHash {
  public:
    static constexpr std::size_t kLanes = 1024;
    static constexpr std::size_t kStateBytes = 2 * kLanes;

    /// The empty set.
    LtHash() = default;
    /// kInvalid unless exactly kStateBytes.
    static Result<LtHash> from_state(ByteView state);

    void add(ByteView element);
    void remove(ByteView element);
    /// SHA-256 of the state.
    Hash256 digest() const;
    /// The lanes, little-endian: what a snapshot stores.
    Bytes state() const;

    bool operator==(const LtHash&) const = default;

  private:
    std::array<std::uint16_t, kLanes> lanes_{};
};

}  // namespace cairn::crypto
