// Paper B's arithmetic of low-rank weights and of how often memory is read (papers B: Eq 6, papers
// B: Eq 10 to 17, papers B: Table 2 and 3, papers B: Figure 6 and 7). A weight W is m x n, its
// input X n x t; of its singular values k are kept. Counts are numbers read, not bytes.
#pragma once

#include <cstdint>
#include <vector>

namespace cairn::papers {

struct MatrixShape {
    std::uint64_t m = 0;
    std::uint64_t n = 0;
};

/// Equation 10: (m + n + 1) k / (m n). Saves only below 1.
double compression_ratio(MatrixShape shape, double k);
/// Equation 15, its inverse: m n ratio / (m + n + 1), not rounded.
double rank_for_ratio(MatrixShape shape, double ratio);
/// The greatest k at which something is still saved.
std::uint64_t break_even_rank(MatrixShape shape);

/// Equation 13: the product over layers of the mean over heads; energies[layer][head], no layer
/// without heads.
double total_energy(const std::vector<std::vector<double>>& energies);

/// Equation 6 for A (m x n) times B (n x k): reads without and with a memory hierarchy.
struct ProductReads {
    double centralised = 0;  ///< 2 n m k
    double federated = 0;    ///< m n + n k
    double reduction = 0;    ///< of the former, saved: 1 - 1/(2k) - 1/(2m), whatever n is
};
ProductReads product_reads(std::uint64_t m, std::uint64_t n, std::uint64_t k);

/// papers B: Table 3: weights stored, numbers read without and with a hierarchy, for W X.
struct LayerReads {
    double storage = 0;
    double reads_without = 0;
    double reads_with = 0;
};
LayerReads full_reads(MatrixShape shape, double t);
/// The same for U S V^T X at rank `k` (any real number, as the figures use it).
LayerReads low_rank_reads(MatrixShape shape, double t, double k);

/// How a batch of b inputs enters papers B: Figure 7, which the paper does not say.
enum class BatchReading {
    kWeightsOnce = 1,        ///< R1: weights once, inputs and outputs for each of the batch
    kEachAlone = 2,          ///< R2: everything for each of the batch, before and after
    kWeightsEachBefore = 3,  ///< R3: before, weights again for each; after, once
    kNoHierarchyBefore = 4,  ///< R4: before without a hierarchy; after as R1
    kNoHierarchy = 5,        ///< R5: without a hierarchy before and after
};
/// Equations 16 and 17: 1 - optimised / original, where `ratio` of the weights remains.
double bandwidth_reduce_rate(MatrixShape shape, double t, double batch, double ratio,
                             BatchReading reading);
/// The ratio at which the rate would be `rate`; negative where none is.
double ratio_for_rate(MatrixShape shape, double t, double batch, double rate, BatchReading reading);

}  // namespace cairn::papers
