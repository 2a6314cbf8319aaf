// All codecs by number and name. CodecKind (codec_spec.h) has the two that most of the program
// speaks of; here are the sketches of papers A: Table 1 besides SRHT, which only a network that
// names one uses, and what is the same for all of a sort.
#pragma once

#include <cstddef>

#include "chain/codec_spec.h"

namespace cairn::chain {

/// SRHT that turns a tile twice before it samples, so that signs alone prefer no parameter.
inline constexpr CodecKind kSrht2{2};
inline constexpr CodecKind kGaussian{3};
inline constexpr CodecKind kAms{4};
inline constexpr CodecKind kCountSketch{5};
inline constexpr CodecKind kSparse1{6};
inline constexpr CodecKind kSparse2{7};

/// By number, as network.json has them.
inline constexpr const char* kCodecNames[] = {"srht", "dense",        "srht2",    "gaussian",
                                              "ams",  "count-sketch", "sparse-1", "sparse-2"};
inline const char* name_of(CodecKind kind) { return kCodecNames[static_cast<std::size_t>(kind)]; }

/// Turns a tile by Hadamard matrices before it samples; may send signs alone.
inline bool is_rotation(CodecKind kind) { return kind == CodecKind::kSrht || kind == kSrht2; }
/// One value sent depends on every parameter of its tile by a factor of its own, so making and
/// reading a payload takes time as the number of values times that of parameters.
inline bool is_dense_sketch(CodecKind kind) { return kind == kGaussian || kind == kAms; }

}  // namespace cairn::chain
