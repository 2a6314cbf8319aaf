// Random matrices of papers A: Table 1, drawn one at a time (papers A: Def 19 and its neighbours).
#pragma once

#include <cstddef>
#include <vector>

#include "base/random.h"
#include "papers/sketch_moments.h"

namespace cairn::papers {

/// R, rows x dim, row by row. Sizes must be those that sketch_moments() takes, but for their
/// limits.
std::vector<double> draw_sketch(Sketch sketch, std::size_t dim, std::size_t rows,
                                std::size_t per_column, Random& random);

/// A standard normal number (Box and Muller).
double normal(Random& random);

}  // namespace cairn::papers
