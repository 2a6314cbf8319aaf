// CONSENSUS: changing a result here fails audits.
//
// Attention by digits (N49) over the integer operations D of a kernel set: products of queries and
// keys, and sums of weighted values. All is exact, so the order of sums is free.
#pragma once

#include <algorithm>

#include "tensor/digits.h"
#include "tensor/operands.h"

namespace cairn::tensor::kernels {

/// Operations in plain C++, for sets that have nothing better.
struct DigitLanesScalar {
    /// Sum of a[i] * b[i], which are within +-32767; count <= 1024.
    static std::int64_t dot(const std::int16_t* a, const std::int16_t* b, std::size_t count) {
        std::int64_t sum = 0;
        for (std::size_t i = 0; i < count; ++i) sum += std::int32_t{a[i]} * std::int32_t{b[i]};
        return sum;
    }
    /// sums[c] = sum over `rows` rows j of weights[j] * values.row(j)[c], c < count.
    static void weigh(const std::int64_t* weights, DigitRows values, std::size_t rows,
                      std::size_t count, std::int64_t* sums) {
        std::fill_n(sums, count, 0);
        for (std::size_t j = 0; j < rows; ++j) {
            if (weights[j] == 0) continue;
            for (std::size_t c = 0; c < count; ++c) sums[c] += weights[j] * values.row(j)[c];
        }
    }
};

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

/// As Kernels::attention_digits. scratch: an int64 for each key and for each number of a head.
template <typename D>
void attention_digits(const AttentionForward& op, std::size_t sequence, std::size_t head,
                      std::size_t begin, std::size_t end, float* scratch) {
    const AttentionShape& shape = op.shape;
    const std::size_t d = shape.head_dim;
    const std::size_t column = head / (shape.heads / shape.kv_heads) * d;
    const float factor = digit_query_factor(d);
    const std::uint16_t* const fractions = digit_fractions().data();
    auto* const sums = reinterpret_cast<std::int64_t*>(scratch);
    std::int64_t* const scores = sums + d;
    std::int16_t query[kDigitWidest];
    for (std::size_t i = begin; i < end; ++i) {
        const std::size_t first = shape.first_key(i);
        const std::size_t seen = shape.visible(i) - first;
        const DigitRows keys = digit_rows(op.k, sequence * shape.keys() + first, column);
        const DigitRows values = digit_rows(op.v, sequence * shape.keys() + first, column);
        const float* q = op.q.row(sequence * shape.queries + i) + head * d;
        for (std::size_t c = 0; c < d; ++c) query[c] = digit_fixed(q[c], factor);

        std::int64_t most = std::int64_t{-1} << 62;
        for (std::size_t j = 0; j < seen; ++j) {
            scores[j] = D::dot(query, keys.row(j), d);
            most = std::max(most, scores[j]);
        }
        std::int64_t sum = 0;
        for (std::size_t j = 0; j < seen; ++j)
            sum += quick_digit_weight(most - scores[j], fractions);
        const std::int64_t shift = most + digit_shift(static_cast<std::uint64_t>(sum));
        for (std::size_t j = 0; j < seen; ++j)
            scores[j] = quick_digit_weight(shift - scores[j], fractions);
        D::weigh(scores, values, seen, d, sums);
        float* out = op.out.row(sequence * shape.queries + i) + head * d;
        for (std::size_t c = 0; c < d; ++c) out[c] = digit_output(sums[c]);
    }
}

}  // namespace cairn::tensor::kernels
