#include "papers/low_rank.h"

#include <cmath>

#include "base/check.h"

namespace cairn::papers {

namespace {

double product(MatrixShape shape) {
    return static_cast<double>(shape.m) * static_cast<double>(shape.n);
}

double sum(MatrixShape shape) { return static_cast<double>(shape.m + shape.n); }

/// Numbers moved before (`ratio` 1) or after compression.
double moved(MatrixShape shape, double t, double batch, double ratio, BatchReading reading,
             bool before) {
    const double weights = product(shape);
    const double inputs = static_cast<double>(shape.n) * t * batch;
    const double outputs = static_cast<double>(shape.m) * t * batch;
    switch (reading) {
        case BatchReading::kWeightsOnce:
            break;
        case BatchReading::kEachAlone:
            return batch * ratio * weights + inputs + outputs;
        case BatchReading::kWeightsEachBefore:
            if (before) return batch * weights + inputs + outputs;
            break;
        case BatchReading::kNoHierarchyBefore:
            if (before) return 2 * weights * t * batch + outputs;
            break;
        case BatchReading::kNoHierarchy:
            if (before) return 2 * weights * t * batch + outputs;
            return 2 * ratio * weights * sum(shape) / (sum(shape) + 1) * t * batch + outputs;
    }
    return ratio * weights + inputs + outputs;
}

}  // namespace

double compression_ratio(MatrixShape shape, double k) {
    return (sum(shape) + 1) * k / product(shape);
}

double rank_for_ratio(MatrixShape shape, double ratio) {
    return product(shape) * ratio / (sum(shape) + 1);
}

std::uint64_t break_even_rank(MatrixShape shape) {
    const double exact = rank_for_ratio(shape, 1);
    return static_cast<std::uint64_t>(std::ceil(exact) - 1);
}

double total_energy(const std::vector<std::vector<double>>& energies) {
    double all = 1;
    for (const std::vector<double>& layer : energies) {
        CHECK(!layer.empty());
        double mean = 0;
        for (const double energy : layer) mean += energy / static_cast<double>(layer.size());
        all *= mean;
    }
    return all;
}

ProductReads product_reads(std::uint64_t m, std::uint64_t n, std::uint64_t k) {
    const auto rows = static_cast<double>(m), inner = static_cast<double>(n),
               columns = static_cast<double>(k);
    const double centralised = 2 * inner * rows * columns;
    const double federated = rows * inner + inner * columns;
    return {centralised, federated, 1 - federated / centralised};
}

LayerReads full_reads(MatrixShape shape, double t) {
    const double weights = product(shape);
    return {weights, 2 * weights * t, weights + static_cast<double>(shape.n) * t};
}

LayerReads low_rank_reads(MatrixShape shape, double t, double k) {
    const double factors = (sum(shape) + 1) * k;
    return {factors, 2 * sum(shape) * k * t, factors + static_cast<double>(shape.n) * t};
}

double bandwidth_reduce_rate(MatrixShape shape, double t, double batch, double ratio,
                             BatchReading reading) {
    return 1 -
           moved(shape, t, batch, ratio, reading, false) / moved(shape, t, batch, 1, reading, true);
}

double ratio_for_rate(MatrixShape shape, double t, double batch, double rate,
                      BatchReading reading) {
    const double at_zero = bandwidth_reduce_rate(shape, t, batch, 0, reading);
    const double at_one = bandwidth_reduce_rate(shape, t, batch, 1, reading);
    return (at_zero - rate) / (at_zero - at_one);  // the rate is linear in the ratio
}

}  // namespace cairn::papers
