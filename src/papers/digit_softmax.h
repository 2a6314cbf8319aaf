// Paper B's softmax that can be looked up (Equations 20 to 22), as zkLLM's authors compute it:
// scores are integers, a row is shifted by the rounded logarithm of its sum, and the exponential of
// what is left is a product of one table entry for each digit. papers.md, B6.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"

namespace cairn::papers {

struct DigitSoftmax {
    double scale = 1;     ///< an integer score z stands for z / scale
    double head_dim = 1;  ///< scores are divided by its root
    /// Radix of each digit, the least significant first; each at least 2.
    std::vector<std::uint64_t> bases;
    std::size_t low = 0;  ///< so many of the lowest digits count as 0
    std::size_t top = 0;  ///< so many of the highest make the value 0 unless they are 0
    /// What the tables of the digits between are multiplied by, in the same order; at least 1.
    std::vector<std::uint64_t> theta;
};

struct DigitRow {
    std::int64_t shift = 0;            ///< z-hat
    std::vector<std::int64_t> values;  ///< beside the product of all theta, about the softmax
    std::int64_t row_sum = 0;
    /// The sum over the columns of each verifier, who get equal runs of them.
    std::vector<std::int64_t> partial_sums;
    double worst_error = 0;  ///< of a value divided by that product, against the real softmax
};

/// Of one row of scores. kInvalid where bases and theta do not fit each other, a score lies further
/// below the shift than the digits reach, or sums do not fit into 62 bits.
Result<DigitRow> digit_softmax(const DigitSoftmax& form, const std::vector<std::int64_t>& scores,
                               std::size_t verifiers);

/// The values of digit `k`'s table, for 0 to bases[k] - 1: round(theta exp(-B_k x / (scale
/// sqrt(head_dim)))), all 1 for the low digits, 1 and zeros for the top ones. `form` must be one
/// that digit_softmax() takes.
std::int64_t table_value(const DigitSoftmax& form, std::size_t k, std::uint64_t digit);

}  // namespace cairn::papers
