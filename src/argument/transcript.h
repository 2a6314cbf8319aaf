// Where challenges come from when nobody asks them (Fiat and Shamir): a hash of everything that was
// said before. Each message goes in with its name and length, so no two conversations hash the same
// bytes, and each challenge depends on all messages in front of it.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "argument/fp.h"
#include "base/bytes.h"

namespace cairn::argument {

class Transcript {
  public:
    /// Begins with what the conversation is about.
    explicit Transcript(const Hash256& statement);

    void absorb(std::string_view name, ByteView message);
    void absorb(std::string_view name, std::span<const Fp2> message);
    /// Uniform in Fp2.
    Fp2 challenge();
    std::vector<Fp2> challenges(std::size_t count);
    /// `count` places below `bound`, a power of two of at most 2^32; some may be the same.
    std::vector<std::size_t> places(std::size_t count, std::size_t bound);

  private:
    Hash256 draw();

    Hash256 state_;  ///< stands for all that was said
};

}  // namespace cairn::argument
