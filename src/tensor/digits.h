// CONSENSUS: changing a result here fails audits.
//
// Attention by digits (N49; papers B: Eq 18 to 22): attention in integers alone, so that what a row
// claims can be checked by looking up digits in tables instead of computing exponentials.
//
// Queries, keys and values are fixed-point numbers of 16 bits. A score z is a sum of products of
// queries and keys, in units of 2^-18 of a power of two (the query carries log2(e) /
// sqrt(head_dim)). A row is shifted by s, which stands for the logarithm of the sum of all 2^z, so
// that what is left, s - z >= 0, is minus the logarithm of the softmax itself and nothing is
// divided. It is cut into five digits, the lowest first:
//
//   digit  bits  its table holds, for x
//   0      6     1 (below the precision)
//   1      12    round(2^12 * 2^(-x / 2^12))
//   2      5     round(2^18 * 2^-x)
//   3, 4   9     1 for 0, else 0 (too far below to count)
//
// and the weight of a key is the product of the five entries. Weights of a row sum to about 2^30.
// An output is the sum of weights * values, read as a number of 2^-40.
//
// A key below 2^-20 of the row's sum has no weight, and between 2^-19 and 2^-20 twice what it
// should have. So a row that spreads over very many keys is no softmax any more: over 2^17 keys it
// is off by some per cent, over 2^19 equal ones twice too large, over 2^20 nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace cairn::tensor {

inline constexpr std::size_t kDigitCount = 5;
inline constexpr unsigned kDigitBits[kDigitCount] = {6, 12, 5, 9, 9};
/// Digit k counts 2^kDigitPlace[k].
inline constexpr unsigned kDigitPlace[kDigitCount] = {0, 6, 18, 23, 32};
inline constexpr unsigned kDigitQueryBits = 10;  ///< of a fixed-point query behind the point
inline constexpr unsigned kDigitKeyBits = 8;
inline constexpr unsigned kDigitValueBits = 10;
inline constexpr unsigned kDigitWeightBits = 30;  ///< a weight of 2^30 is 1
/// The widest head.
inline constexpr std::size_t kDigitWidest = 1024;
/// Kernels take memory for a multiple of so many outputs of a head.
inline constexpr std::size_t kDigitPad = 32;
/// The largest magnitude of a fixed-point number.
inline constexpr std::int32_t kDigitLargest = 32767;

/// What queries of heads of this width are multiplied by: 2^10 log2(e) / sqrt(head_dim).
float digit_query_factor(std::size_t head_dim);
/// What keys and values are multiplied by.
inline constexpr float kDigitKeyFactor = 256.0F;
inline constexpr float kDigitValueFactor = 1024.0F;
/// x * factor to the nearest integer, ties to even, within +-32767; 0 for NaN.
std::int16_t digit_fixed(float x, float factor);

/// The table of digit 1, 4,096 entries.
std::span<const std::uint16_t> digit_fractions();
/// Entry `digit` of digit k's table.
std::uint32_t digit_entry(std::size_t k, std::uint32_t digit);
/// Digit k of `below` = s - z, which is in [0, 2^41).
constexpr std::uint32_t digit_of(std::uint64_t below, std::size_t k) {
    return static_cast<std::uint32_t>(below >> kDigitPlace[k]) & ((1U << kDigitBits[k]) - 1U);
}
/// The product of the digits' entries, at most 2^30.
std::uint32_t digit_weight(std::uint64_t below);
/// How far s lies above the largest score, where weights with the largest score for s sum to
/// `sum` >= 2^30: 2^18 log2(sum / 2^30) rounded to a multiple of 64.
std::int64_t digit_shift(std::uint64_t sum);

/// An output, of the sum of weights * values.
inline float digit_output(std::int64_t sum) { return static_cast<float>(sum) * 0x1p-40F; }

/// Keys or values of one head, fixed-point, row j at data + j * stride.
struct DigitRows {
    const std::int16_t* data = nullptr;
    std::size_t stride = 0;

    const std::int16_t* row(std::size_t j) const { return data + j * stride; }
};

/// One query's attention by the definition, in integers.
struct DigitAttentionRow {
    std::int64_t shift = 0;              ///< s
    std::vector<std::uint64_t> below;    ///< s - z of each key that it sees
    std::vector<std::uint32_t> weights;  ///< of the same keys
    std::vector<std::int64_t> sums;      ///< [head_dim], weights * values
};

/// Over keys [first, end) of a head; first < end.
DigitAttentionRow digit_attention_row(std::span<const std::int16_t> query, DigitRows keys,
                                      DigitRows values, std::size_t first, std::size_t end);

}  // namespace cairn::tensor
