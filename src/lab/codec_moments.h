// What the sketches of the chain's codecs do on average, by going through every matrix that their
// own code can draw (codec/sketch_matrix.h): papers A: Table 1 and papers A: Theorem 60, for the
// codecs.
#pragma once

#include <cstdint>
#include <span>

#include "chain/codec_spec.h"

namespace cairn::lab {

struct CodecMoments {
    std::uint64_t cases = 0;  ///< matrices gone through
    double inner = 0;         ///< mean of <desk sk g, h>
    double inner_squared = 0;
    double norm_ratio = 0;  ///< mean of |desk sk h|^2 / |h|^2
};

/// Small sizes only: `g` and `h` have as many numbers, a power of four for srht and srht2; `rows`
/// is a power of two. Not for dense.
CodecMoments codec_moments(chain::CodecKind kind, std::size_t rows, std::span<const double> g,
                           std::span<const double> h);
/// E |desk sk h|^2 / |h|^2, for any h of `dim` numbers.
double exact_norm_ratio(chain::CodecKind kind, std::size_t dim, std::size_t rows);

}  // namespace cairn::lab
