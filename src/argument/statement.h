// What is claimed of one head: that these are the shifts and sums which attention by digits (N49)
// gives for these fixed-point queries, keys and values. Row i sees the keys up to its own, the last
// `window` of them if that is not 0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "tensor/digits.h"

namespace cairn::argument {

inline constexpr std::size_t kMaxRows = 4096;
inline constexpr std::size_t kMaxHeadDim = tensor::kDigitWidest;
/// Larger magnitudes than honest ones can have are refused, so that what holds modulo the prime
/// holds for the integers: scores are within 2^40, sums within kMaxRows * 2^30 * 2^15.
inline constexpr std::int64_t kMaxShift = std::int64_t{1} << 42;
inline constexpr std::int64_t kMaxSum = std::int64_t{1} << 57;

struct Sizes {
    std::uint32_t rows = 0;  ///< of queries, and of keys and values
    std::uint32_t head_dim = 0;
    std::uint32_t window = 0;

    /// The keys that row i sees are [first_key(i), i].
    std::size_t first_key(std::size_t i) const {
        return window == 0 || i < window ? 0 : i + 1 - window;
    }
    bool operator==(const Sizes&) const = default;
};

struct Statement {
    Sizes sizes;
    /// What else a proof of it is bound to: the hash of whatever the outputs are claimed for (a
    /// session, a layer, a head; S56). A proof holds for this alone, whatever the numbers are.
    Hash256 about{};
    std::vector<std::int16_t> queries, keys, values;  ///< [rows, head_dim]
    std::vector<std::int64_t> shifts;                 ///< [rows]
    std::vector<std::int64_t> sums;                   ///< [rows, head_dim]
};

/// Rows are padded to 2^this, at least 8.
unsigned padded_log(std::size_t rows);
/// kInvalid unless sizes are within the bounds and all parts have them.
Status check_form(const Statement& statement);
/// Whether shifts and sums of rows [begin, end) are within their bounds.
bool within_bounds(const Statement& statement, std::size_t begin, std::size_t end);
/// Of all of it.
Hash256 statement_hash(const Statement& statement);

/// With the true shifts and sums. Of numbers within +-32767, CHECKed to be of these sizes.
Statement make_statement(Sizes sizes, std::span<const std::int16_t> queries,
                         std::span<const std::int16_t> keys, std::span<const std::int16_t> values);

/// How far a row's weights may sum from 2^30. True rows stay within 2^19.2 + 2^11 * keys: entries
/// are rounded by a part of 2^-12, once where the shift is made and once with it, and the shift by
/// 2^-13 of a power of two; a key whose weight is below 2^12 may be off by 2^11, since 1/2 is
/// rounded up to 1 and what is below it to 0.
constexpr std::uint64_t row_sum_tolerance(std::size_t keys) {
    return (std::uint64_t{1} << 20) + (std::uint64_t{keys} << 11);
}

}  // namespace cairn::argument
