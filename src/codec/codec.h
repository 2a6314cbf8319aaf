// Codecs: how a model update travels. A delta (one int32 per parameter, unit 2^-24, in tiles of
// 4096) becomes a payload of a few bits per parameter, and back. Decoding is integer-only, so that
// every machine gets the same delta from the same payload.
//
// `srht` is the sketch of papers A: Def 19 with one block per tile: z = S W D v, where D flips
// signs, W is the unnormalised Walsh-Hadamard matrix and S picks s = 4096 >> log2_ratio distinct
// rows, D and S drawn from (seed, tile). De-sketching is (1/s) D W S^T z, an exact shift because s
// is a power of two. A fresh seed per contributor and round makes the sketch errors of several
// users independent, so they average out. The values z are sent at 16, 8, 4 or 1 bit with one scale
// per tile, chosen such that <q * scale, z> = <z, z>: the de-sketched value is then unbiased over
// the seeds. At one bit that scale is mean(z^2) / mean|z|.
//
// `srht2` rotates twice (W D' W D v), so that signs alone have no bias; gaussian, ams,
// count-sketch, sparse-1 and sparse-2 are the paper's other sketches (matrix_tile.h).
//
// `dense` sends every parameter at 8 bits with one scale per tile.
//
// Payload: per tile, u32 scale, then the values, lowest bits of a byte first.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "chain/codec_spec.h"

namespace cairn::codec {

/// Parameters per codec tile: a power of four, since one transform serves both directions.
inline constexpr std::size_t kTile = 4096;
/// The unit of a parameter and of a delta is 2^-24.
inline constexpr int kFractionBits = 24;
/// Decoded deltas stay strictly below this in absolute value.
inline constexpr std::int32_t kDeltaLimit = std::int32_t{1} << 30;
/// Bounds what a decoder allocates.
inline constexpr std::size_t kMaxCodecParameters = std::size_t{1} << 32;

// A network fixes its codec, so codecs are named and bounded by the network definition.
using chain::CodecKind;
using chain::CodecSpec;

/// Values sent per tile: a multiple of 8, so no byte of a payload has bits to spare.
std::size_t values_per_tile(const CodecSpec& spec);
/// The one size that a payload for `parameters` (a multiple of kTile) can have.
std::size_t payload_size(const CodecSpec& spec, std::size_t parameters);

/// CHECKs a valid spec and a size that is a multiple of kTile. Values that do not fit the tile's
/// scale are clamped.
Bytes encode(const CodecSpec& spec, std::span<const std::int32_t> delta, const Hash256& seed);

/// Refuses a wrong size, scales that could leave +-2^30, and second spellings of zero (a scale of
/// 0 goes with values of 0 only, and at more than one bit values of 0 with no other scale).
Result<std::vector<std::int32_t>> decode(const CodecSpec& spec, ByteView payload,
                                         const Hash256& seed, std::size_t parameters);

/// A float delta in fixed point: round-half-even(x * 2^24), clamped; NaN gives 0.
std::vector<std::int32_t> to_fixed(std::span<const float> delta);

}  // namespace cairn::codec
