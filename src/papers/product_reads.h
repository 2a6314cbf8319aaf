// Products that count what they read, to hold read counts (papers B: Table 3) against a run:
// without a hierarchy every factor of every multiplication is fetched from memory; with one, each
// number is fetched once into a fast memory that holds all that is in use (the paper's assumption).
#pragma once

#include <cstddef>
#include <cstdint>

namespace cairn::papers {

struct CountedReads {
    std::uint64_t reads = 0;
    double checksum =
        0;  ///< sum of the result, so that both orders can be seen to compute the same
};

/// W (m x n) times X (n x t).
CountedReads count_product(std::size_t m, std::size_t n, std::size_t t, bool hierarchy);
/// U (m x k) times S (V^T X), V n x k. What stands between the factors is written to memory and
/// read again without a hierarchy, and stays in the fast memory with one. Scaling by S is counted,
/// too: 2 k t reads without a hierarchy, which the paper leaves out.
CountedReads count_low_rank(std::size_t m, std::size_t n, std::size_t k, std::size_t t,
                            bool hierarchy);

}  // namespace cairn::papers
