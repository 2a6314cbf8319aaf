// What each sketch of papers A: Table 1 does on average, found by going through every matrix R (s x
// D) that it can draw: the mean of <Rg, Rh>, of its square, and of |R^T R h|^2 / |h|^2 (papers A:
// Def 59, papers A: Theorem 60). Only for small sizes; nothing is drawn by chance.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace cairn::papers {

enum class Sketch { kGaussian, kSrht, kAms, kCountSketch, kSparse1, kSparse2 };
inline constexpr Sketch kAllSketches[] = {Sketch::kGaussian,    Sketch::kSrht,    Sketch::kAms,
                                          Sketch::kCountSketch, Sketch::kSparse1, Sketch::kSparse2};
const char* name_of(Sketch sketch);

struct SketchMoments {
    std::uint64_t cases = 0;  ///< matrices gone through
    double mean_inner = 0;
    double mean_inner_squared = 0;
    double mean_desketch_norm_ratio = 0;
};

/// At most this many matrices are gone through.
inline constexpr std::uint64_t kMostSketchCases = std::uint64_t{1} << 24;

/// `g` and `h` have D numbers, h not all 0; `rows` is s. `per_column` is the number of entries in a
/// column of the two sparse embeddings (it divides s for the second). Gaussian entries, whose
/// matrices cannot be counted, are replaced by three values with the same moments up to the fifth,
/// which is more than these means ask for. kInvalid: sizes that the sketch does not have (D a power
/// of two for SRHT), or more than kMostSketchCases matrices.
Result<SketchMoments> sketch_moments(Sketch sketch, std::span<const double> g,
                                     std::span<const double> h, std::size_t rows,
                                     std::size_t per_column);

/// The last column of papers A: Table 1, corrected: E |R^T R h|^2 / |h|^2, for any h.
double exact_norm_ratio(Sketch sketch, std::size_t dim, std::size_t rows);
/// The paper's parameter a: E <Rg, Rh>^2 <= <g, h>^2 + (a / s) |g|^2 |h|^2.
double printed_parameter(Sketch sketch);

}  // namespace cairn::papers
