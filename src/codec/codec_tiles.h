// The sketch of one tile: the random signs and rows of (seed, tile), and the two linear maps that
// they define, both exact. Quantising comes after sketch() and before desketch().
//
// CONSENSUS: changing a result of draw or desketch splits the network.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "codec/codec.h"
#include "codec/srht_kernels.h"

namespace cairn::codec {

class SketchTile {
  public:
    explicit SketchTile(const SrhtKernels& kernels = srht_kernels()) : kernels_(kernels) {}

    /// Signs and the first `rows` entries of a random permutation of the 4096 rows, from Philox
    /// with the first 16 bytes of `seed` as key and stream. `rows` is a power of two.
    void draw(const Hash256& seed, std::uint64_t tile, std::size_t rows);

    /// z[j] = (W D v)[row_j], exact.
    void sketch(std::span<const std::int32_t> v, std::span<std::int64_t> z);
    /// out = round_half_away(D W S^T q * scale / s), s = q.size(). |q| * scale < 2^30.
    void desketch(std::span<const std::int32_t> q, std::uint32_t scale,
                  std::span<std::int32_t> out);

  private:
    const SrhtKernels& kernels_;
    alignas(64) std::array<std::uint32_t, kTile / 32> signs_{};
    alignas(64) std::array<std::uint32_t, kTile> words_{};
    alignas(64) std::array<std::uint16_t, kTile> rows_{};
    alignas(64) std::array<std::int64_t, kTile> wide_{};
    alignas(64) std::array<std::int32_t, kTile> narrow_{};
};

}  // namespace cairn::codec
