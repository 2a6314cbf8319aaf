#include "papers/sketch_draw.h"

#include <bit>
#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

#include "base/check.h"
#include "base/uniform.h"

namespace cairn::papers {

namespace {

/// `count` different numbers below `bound`, in random order.
std::vector<std::size_t> sample(std::size_t bound, std::size_t count, Random& random) {
    std::vector<std::size_t> all(bound);
    std::iota(all.begin(), all.end(), std::size_t{0});
    for (std::size_t i = 0; i < count; ++i) std::swap(all[i], all[i + random.below(bound - i)]);
    all.resize(count);
    return all;
}

double sign(Random& random) { return random.below(2) == 0 ? 1.0 : -1.0; }

}  // namespace

double normal(Random& random) {
    const double radius = std::sqrt(-2 * std::log(1 - uniform(random)));
    return radius * std::cos(2 * std::numbers::pi * uniform(random));
}

std::vector<double> draw_sketch(Sketch sketch, std::size_t dim, std::size_t rows,
                                std::size_t per_column, Random& random) {
    std::vector<double> r(rows * dim);
    const double scale = 1 / std::sqrt(static_cast<double>(rows));
    const double share = 1 / std::sqrt(static_cast<double>(per_column));
    switch (sketch) {
        case Sketch::kGaussian:
            for (double& entry : r) entry = scale * normal(random);
            break;
        case Sketch::kAms:
            for (double& entry : r) entry = scale * sign(random);
            break;
        case Sketch::kCountSketch:
            for (std::size_t j = 0; j < dim; ++j) r[random.below(rows) * dim + j] = sign(random);
            break;
        case Sketch::kSparse1:
            for (std::size_t j = 0; j < dim; ++j)
                for (const std::size_t row : sample(rows, per_column, random))
                    r[row * dim + j] = share * sign(random);
            break;
        case Sketch::kSparse2: {
            CHECK(rows % per_column == 0);
            const std::size_t block = rows / per_column;
            for (std::size_t j = 0; j < dim; ++j)
                for (std::size_t b = 0; b < per_column; ++b)
                    r[(b * block + random.below(block)) * dim + j] = share * sign(random);
            break;
        }
        case Sketch::kSrht: {
            CHECK(std::has_single_bit(dim) && rows <= dim);
            const std::vector<std::size_t> chosen = sample(dim, rows, random);
            for (std::size_t j = 0; j < dim; ++j) {
                const double flip = sign(random);
                for (std::size_t i = 0; i < rows; ++i)
                    r[i * dim + j] =
                        scale * flip * (std::popcount(chosen[i] & j) % 2 != 0 ? -1.0 : 1.0);
            }
            break;
        }
    }
    return r;
}

}  // namespace cairn::papers
