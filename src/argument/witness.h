// What a prover knows and a Verifier does not want to compute: for every pair of a query and a key
// the digits of shift - score and their tables' entries. Pairs stand row by row, both sides padded
// to 2^log; those that are padded or that the query does not see have the digits 0.
//
// Committed to are digits 1 to 4 and their entries. Digit 0 is what is left of shift - score, and
// its entry is always 1.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "argument/fp.h"
#include "argument/statement.h"
#include "base/result.h"
#include "tensor/digits.h"

namespace cairn::argument {

/// Columns 0 to 3 are digits 1 to 4, columns 4 to 7 their entries.
inline constexpr std::size_t kCommitted = tensor::kDigitCount - 1;
inline constexpr std::size_t kColumns = 2 * kCommitted;

/// The digits' tables one behind the other: table k begins at kTableBegin[k].
inline constexpr std::array<std::size_t, tensor::kDigitCount + 1> kTableBegin = [] {
    std::array<std::size_t, tensor::kDigitCount + 1> begin{};
    for (std::size_t k = 0; k < tensor::kDigitCount; ++k)
        begin[k + 1] = begin[k] + (std::size_t{1} << tensor::kDigitBits[k]);
    return begin;
}();
inline constexpr std::size_t kTableEntries = kTableBegin[tensor::kDigitCount];

struct Witness {
    unsigned log = 0;
    std::vector<Fp> columns;                    ///< [kColumns, 4^log]
    std::vector<Fp> digit0;                     ///< [4^log]
    std::vector<Fp> below;                      ///< shift - score of every pair, seen or not
    std::vector<Fp> seen;                       ///< 1 for pairs whose key the query sees
    std::vector<std::uint64_t> row_sums;        ///< of each row's weights
    std::vector<std::uint32_t> multiplicities;  ///< how often each table entry is used

    std::size_t pairs() const { return std::size_t{1} << 2 * log; }
    std::span<const Fp> column(std::size_t c) const {
        return std::span(columns).subspan(c * pairs(), pairs());
    }
};

/// kInvalid for a shift with which some score has no digits. The sums are not looked at.
Result<Witness> make_witness(const Statement& statement);

}  // namespace cairn::argument
