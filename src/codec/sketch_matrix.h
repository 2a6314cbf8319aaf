// The matrix of a codec's sketch, written out for any size: the slow reference of codec_tiles.h and
// matrix_tile.h, which tests hold them against, and by which `cairn lab sketches` takes the exact
// moments of what the codec really draws.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "chain/codec_kinds.h"

namespace cairn::codec {

/// M (rows x dim, row by row) of whole numbers: sk(v) = M v and desk(z) = M^T z / 2^shift, but for
/// roundings. (srht2 sends M v / sqrt(dim) and divides by that much less.)
struct SketchMatrix {
    std::size_t rows = 0;
    std::size_t dim = 0;
    int shift = 0;
    std::vector<std::int64_t> entries;
};

/// Words that a matrix is drawn from: for dim 4096 the words of Philox in their order.
std::size_t sketch_words(chain::CodecKind kind, std::size_t dim, std::size_t rows);

/// Draws from `words`. `dim` is a power of two, of four for srht and srht2; `rows` a power of two,
/// at most dim for these two, and at least 4 for sparse-1 and sparse-2. A word holds the signs of
/// up to 32 columns (srht, srht2) or entries (ams), lowest bit first. Not for dense.
SketchMatrix sketch_matrix(chain::CodecKind kind, std::size_t dim, std::size_t rows,
                           std::span<const std::uint32_t> words);

}  // namespace cairn::codec
