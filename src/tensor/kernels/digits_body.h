// CONSENSUS: changing a result here fails audits.
//
// Attention by digits (N49) over vectors D of 16-bit numbers. All is exact, so the order of sums is
// free; what has to be seen to is that 32 bits hold what is added up in them.
#pragma once

#include <algorithm>

#include "tensor/digits.h"
#include "tensor/operands.h"

namespace cairn::tensor::kernels {

/// For sets that have nothing better than plain C++. The others have vectors of kColumns numbers of
/// 16 bits, with
///
///   zero(), set(pair)         all 0; the two 16-bit numbers of `pair` over and over
///   load(p), load_n(p, n)     n < kColumns numbers, and zeros behind them
///   low(a, b), high(a, b)     a's and b's numbers by turns: together all of them
///   add_products(sum, a, b)   to each 32-bit sum two products of neighbours
///   totals(a, b, c, d, out)   of each of four vectors of 32-bit sums the sum of all
///   widen(low, high, shift, sums)   adds to kColumns 64-bit sums what was added up in 32 bits over
///                             low() and high(), times 2^shift
struct DigitLanesScalar {
    static constexpr std::size_t kColumns = 1;
};

/// out[j] = sum of query * keys.row(j), for numbers so small that 32-bit sums hold them.
template <typename D>
void small_scores(const std::int16_t* query, DigitRows keys, std::size_t rows, std::size_t d,
                  std::int64_t* out) {
    const std::size_t whole = d / D::kColumns * D::kColumns;
    for (std::size_t j = 0; j < rows; j += 4) {
        const std::int16_t* key[4];
        for (std::size_t n = 0; n < 4; ++n) key[n] = keys.row(std::min(j + n, rows - 1));
        auto s0 = D::zero(), s1 = D::zero(), s2 = D::zero(), s3 = D::zero();
        for (std::size_t c = 0; c < whole; c += D::kColumns) {
            const auto q = D::load(query + c);
            s0 = D::add_products(s0, q, D::load(key[0] + c));
            s1 = D::add_products(s1, q, D::load(key[1] + c));
            s2 = D::add_products(s2, q, D::load(key[2] + c));
            s3 = D::add_products(s3, q, D::load(key[3] + c));
        }
        if (whole < d) {
            const std::size_t rest = d - whole;
            const auto q = D::load_n(query + whole, rest);
            s0 = D::add_products(s0, q, D::load_n(key[0] + whole, rest));
            s1 = D::add_products(s1, q, D::load_n(key[1] + whole, rest));
            s2 = D::add_products(s2, q, D::load_n(key[2] + whole, rest));
            s3 = D::add_products(s3, q, D::load_n(key[3] + whole, rest));
        }
        std::int64_t totals[4];
        D::totals(s0, s1, s2, s3, totals);
        std::copy_n(totals, std::min<std::size_t>(4, rows - j), out + j);
    }
}

/// out[j] = sum of query * keys.row(j). `rest` holds another `rows` numbers.
template <typename D>
void digit_scores(const std::int16_t* query, DigitRows keys, std::size_t rows, std::size_t d,
                  std::int64_t* out, std::int64_t* rest) {
    if constexpr (D::kColumns == 1) {
        for (std::size_t j = 0; j < rows; ++j) {
            out[j] = 0;
            for (std::size_t c = 0; c < d; ++c)
                out[j] += std::int32_t{query[c]} * std::int32_t{keys.row(j)[c]};
        }
        return;
    } else {
        std::int64_t largest = 0;
        for (std::size_t c = 0; c < d; ++c)
            largest = std::max<std::int64_t>(largest, query[c] < 0 ? -query[c] : query[c]);
        const auto added = static_cast<std::int64_t>(2 * ((d + D::kColumns - 1) / D::kColumns));
        if (largest * kDigitLargest * added < std::int64_t{1} << 31)
            return small_scores<D>(query, keys, rows, d, out);
        // In two halves, each of 8 bits and a sign.
        std::int16_t upper[kDigitWidest], lower[kDigitWidest];
        for (std::size_t c = 0; c < d; ++c) {
            upper[c] = static_cast<std::int16_t>((query[c] + 128) >> 8);
            lower[c] = static_cast<std::int16_t>(query[c] - upper[c] * 256);
        }
        small_scores<D>(upper, keys, rows, d, out);
        small_scores<D>(lower, keys, rows, d, rest);
        for (std::size_t j = 0; j < rows; ++j) out[j] = out[j] * 256 + rest[j];
    }
}

/// The weights of a few keys, two keys together, in three parts of at most 2^10: products of such
/// parts and values may be added 2^5 times in 32 bits.
struct WeightPairs {
    static constexpr std::size_t kKeys = 32;
    std::size_t count = 0;         ///< of pairs that weigh anything
    std::size_t first[kKeys / 2];  ///< key of each pair; the other one is `second`
    std::size_t second[kKeys / 2];
    std::uint32_t parts[kKeys / 2][3];

    WeightPairs(const std::int64_t* weights, std::size_t begin, std::size_t end) {
        for (std::size_t j = begin; j < end; j += 2) {
            const bool alone = j + 1 == end;
            const auto one = static_cast<std::uint32_t>(weights[j]);
            const auto two = alone ? 0 : static_cast<std::uint32_t>(weights[j + 1]);
            if ((one | two) == 0) continue;
            first[count] = j;
            second[count] = alone ? j : j + 1;
            const std::uint32_t masks[] = {0x3FF, 0x3FF, 0x7FF};
            for (unsigned part = 0; part < 3; ++part)
                parts[count][part] =
                    (one >> 10 * part & masks[part]) | (two >> 10 * part & masks[part]) << 16;
            ++count;
        }
    }
};

/// sums[0 .. kColumns) += of some pairs of keys, weights * values, from column c on; of the last
/// `n` columns where there are fewer than kColumns.
template <typename D>
void weigh_columns(const WeightPairs& pairs, DigitRows values, std::size_t c, std::size_t n,
                   std::int64_t* sums) {
    const auto load = [&](std::size_t row) {
        return n == D::kColumns ? D::load(values.row(row) + c) : D::load_n(values.row(row) + c, n);
    };
    auto low0 = D::zero(), low1 = D::zero(), low2 = D::zero();
    auto high0 = D::zero(), high1 = D::zero(), high2 = D::zero();
    for (std::size_t i = 0; i < pairs.count; ++i) {
        const auto one = load(pairs.first[i]), two = load(pairs.second[i]);
        const auto low = D::low(one, two), high = D::high(one, two);
        const auto part0 = D::set(pairs.parts[i][0]), part1 = D::set(pairs.parts[i][1]),
                   part2 = D::set(pairs.parts[i][2]);
        low0 = D::add_products(low0, low, part0);
        low1 = D::add_products(low1, low, part1);
        low2 = D::add_products(low2, low, part2);
        high0 = D::add_products(high0, high, part0);
        high1 = D::add_products(high1, high, part1);
        high2 = D::add_products(high2, high, part2);
    }
    D::widen(low0, high0, 0, sums);
    D::widen(low1, high1, 10, sums);
    D::widen(low2, high2, 20, sums);
}

/// sums[c] = sum over `rows` rows j of weights[j] * values.row(j)[c], c < d. There is room for a
/// multiple of kColumns sums.
template <typename D>
void weigh_values(const std::int64_t* weights, DigitRows values, std::size_t rows, std::size_t d,
                  std::int64_t* sums) {
    std::fill_n(sums, (d + D::kColumns - 1) / D::kColumns * D::kColumns, 0);
    if constexpr (D::kColumns == 1) {
        for (std::size_t j = 0; j < rows; ++j) {
            if (weights[j] == 0) continue;
            for (std::size_t c = 0; c < d; ++c) sums[c] += weights[j] * values.row(j)[c];
        }
    } else {
        for (std::size_t j = 0; j < rows; j += WeightPairs::kKeys) {
            const WeightPairs pairs(weights, j, std::min(j + WeightPairs::kKeys, rows));
            if (pairs.count == 0) continue;
            for (std::size_t c = 0; c < d; c += D::kColumns)
                weigh_columns<D>(pairs, values, c, std::min(D::kColumns, d - c), sums + c);
        }
    }
}

/// digit_weight() by shifts: digits 0, 3 and 4 need no table, and digit 2's halves.
[[gnu::always_inline]] inline std::int64_t quick_digit_weight(std::int64_t below,
                                                              const std::uint16_t* fractions) {
    const std::int64_t counted = below >> kDigitPlace[1];
    const std::int64_t halvings = counted >> kDigitBits[1];
    if (halvings > 19) return 0;
    const std::int64_t half = (std::int64_t{1} << 19 >> halvings) + 1;
    return fractions[counted & ((1 << kDigitBits[1]) - 1)] * (half >> 1);
}

/// Rows of one head of fixed-point keys or values, beginning with key `first` of the sequence.
inline DigitRows digit_rows(const KvRows& x, std::size_t row, std::size_t column) {
    return {static_cast<const std::int16_t*>(x.data) + row * x.stride + column, x.stride};
}

/// As Kernels::attention_digits. scratch: two int64 for each key, and one for each number of a
/// head, filled up to whole vectors.
template <typename D>
void attention_digits(const AttentionForward& op, std::size_t sequence, std::size_t head,
                      std::size_t begin, std::size_t end, float* scratch) {
    static_assert(kDigitPad % D::kColumns == 0);
    const AttentionShape& shape = op.shape;
    const std::size_t d = shape.head_dim;
    const std::size_t column = head / (shape.heads / shape.kv_heads) * d;
    const float factor = digit_query_factor(d);
    const std::uint16_t* const fractions = digit_fractions().data();
    auto* const sums = reinterpret_cast<std::int64_t*>(scratch);
    std::int64_t* const scores = sums + (d + kDigitPad - 1) / kDigitPad * kDigitPad;
    std::int64_t* const rest = scores + shape.keys();
    std::int16_t query[kDigitWidest];
    for (std::size_t i = begin; i < end; ++i) {
        const std::size_t first = shape.first_key(i);
        const std::size_t seen = shape.visible(i) - first;
        const DigitRows keys = digit_rows(op.k, sequence * shape.keys() + first, column);
        const DigitRows values = digit_rows(op.v, sequence * shape.keys() + first, column);
        const float* q = op.q.row(sequence * shape.queries + i) + head * d;
        for (std::size_t c = 0; c < d; ++c) query[c] = digit_fixed(q[c], factor);

        digit_scores<D>(query, keys, seen, d, scores, rest);
        const std::int64_t most = *std::max_element(scores, scores + seen);
        std::int64_t sum = 0;
        for (std::size_t j = 0; j < seen; ++j)
            sum += quick_digit_weight(most - scores[j], fractions);
        const std::int64_t shift = most + digit_shift(static_cast<std::uint64_t>(sum));
        for (std::size_t j = 0; j < seen; ++j)
            scores[j] = quick_digit_weight(shift - scores[j], fractions);
        weigh_values<D>(scores, values, seen, d, sums);
        float* out = op.out.row(sequence * shape.queries + i) + head * d;
        for (std::size_t c = 0; c < d; ++c) out[c] = digit_output(sums[c]);
    }
}

}  // namespace cairn::tensor::kernels
