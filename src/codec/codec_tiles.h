// The rotating sketches of one tile, srht and srht2: the random signs and rows of (seed, tile), and
// the two linear maps that they define, exact but for one rounding in srht2. Quantising comes after
// sketch() and before desketch().
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

    /// Signs (of one rotation or two) and the first `rows` entries of a random permutation of the
    /// 4096 rows, from Philox with the first 16 bytes of `seed` as key and stream. `rows` is a
    /// power of two.
    void draw(const Hash256& seed, std::uint64_t tile, std::size_t rows, int rotations = 1);

    /// z[j] = (W D v)[row_j], exact; with two rotations (W D' W D v)[row_j] / 64, rounded.
    void sketch(std::span<const std::int32_t> v, std::span<std::int64_t> z);
    /// out = round_half_away(D W S^T q * scale / s), s = q.size(). |q| * scale < 2^30. With two
    /// rotations round_half_away(D W D' W S^T q * scale / 64 s), clamped to +-(2^30 - 1).
    void desketch(std::span<const std::int32_t> q, std::uint32_t scale,
                  std::span<std::int32_t> out);

  private:
    void desketch_twice(std::uint32_t scale, int shift, std::span<std::int32_t> out);

    const SrhtKernels& kernels_;
    int rotations_ = 1;
    alignas(64) std::array<std::uint32_t, kTile / 32> signs_{};
    alignas(64) std::array<std::uint32_t, kTile / 32> second_signs_{};
    alignas(64) std::array<std::uint32_t, kTile> words_{};
    alignas(64) std::array<std::uint16_t, kTile> rows_{};
    alignas(64) std::array<std::int64_t, kTile> wide_{};
    alignas(64) std::array<std::int32_t, kTile> narrow_{};
};

}  // namespace cairn::codec
