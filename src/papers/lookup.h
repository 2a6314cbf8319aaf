// The lookup argument of zkLLM (tlookup) without its sumcheck: all values stand in a table if
//   sum_i 1 / (value_i + beta) = sum_j m_j / (entry_j + beta)   in the field of 2^61 - 1 elements,
// m_j counting how often entry j was used. For a random beta a value that stands nowhere makes the
// sides differ, but with probability (values + entries) / 2^61 at most.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"

namespace cairn::papers {

inline constexpr std::uint64_t kLookupPrime = (std::uint64_t{1} << 61) - 1;

struct LookupSides {
    std::uint64_t left = 0;
    std::uint64_t right = 0;
    std::vector<std::uint64_t>
        multiplicities;  ///< of each entry; of equal entries the first counts
    bool accepted = false;
};

/// kInvalid for a beta at which one of the denominators is 0: draw another.
Result<LookupSides> check_lookup(const std::vector<std::int64_t>& table,
                                 const std::vector<std::int64_t>& values, std::uint64_t beta);

}  // namespace cairn::papers
