// Chance, passed in. Keys and nonces draw from SystemRandom; simulations and tests from
// SeededRandom. The bits of the model never come from here: those use tensor/philox.h.
#pragma once

#include <cstdint>
#include <span>

#include "base/bytes.h"

namespace cairn {

class Random {
  public:
    virtual ~Random() = default;
    virtual void fill(std::span<std::uint8_t> out) = 0;

    std::uint64_t u64();
    /// Uniform in [0, bound), bound > 0.
    std::uint64_t below(std::uint64_t bound);
    Hash256 hash256();
};

/// The operating system's generator.
class SystemRandom final : public Random {
  public:
    void fill(std::span<std::uint8_t> out) override;
};

/// SplitMix64 from a seed: the same sequence on every machine. Not for secrets.
class SeededRandom final : public Random {
  public:
    explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
    void fill(std::span<std::uint8_t> out) override;

  private:
    std::uint64_t next();
    std::uint64_t state_;
};

}  // namespace cairn
