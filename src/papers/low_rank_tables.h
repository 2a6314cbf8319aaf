// What paper B says of low-rank weights and of reads, beside what its formulas (low_rank.h) give:
// papers B: Table 2, papers B: Table 3, papers B: Figure 6, papers B: Figure 7 and papers B: Eq 13.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "papers/result_table.h"

namespace cairn::papers {

/// A weight of m x n, and inputs of t columns each; BERT's first linear layer unless told
/// otherwise.
struct ReadsRequest {
    std::uint64_t m = 3072, n = 768, t = 30, batch = 1;
    double ratio = 0.7;  ///< compression ratio of the low-rank weight
};

/// Reads of a product on one machine and on several, beside the printed ones.
ResultTable table2();
/// Storage and reads of one input (`batch` is not read).
ResultTable table3(const ReadsRequest& request);
/// Reads by compression ratio.
ResultTable figure6();
/// Bandwidth saved, in five readings of the paper's text.
ResultTable figure7();
/// Energies from 0 to 1 of all heads, a list for each layer, as one figure.
ResultTable total_energy_table(const std::vector<std::vector<double>>& energies);
/// Reads by the formulas, and counted in running products. kInvalid where that would take minutes.
Result<ResultTable> counted_reads(const ReadsRequest& request);

}  // namespace cairn::papers
