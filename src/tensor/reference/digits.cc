// CONSENSUS: changing a result here fails audits.
//
// N49, in the plainest form.
#include "tensor/digits.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "base/check.h"
#include "base/int128.h"
#include "tensor/reference/reference.h"

namespace cairn::tensor {

namespace {

constexpr std::size_t kFractions = std::size_t{1} << kDigitBits[1];
/// The table of digit 2 ends in 2^18 * 2^-19, which rounds up to 1.
constexpr std::uint32_t kLastHalving = 19;

/// The largest root with root * root <= square.
std::uint64_t integer_root(Uint128 square) {
    std::uint64_t root = 0;
    for (int bit = 63; bit >= 0; --bit) {
        const std::uint64_t next = root | std::uint64_t{1} << bit;
        if (static_cast<Uint128>(next) * next <= square) root = next;
    }
    return root;
}

/// 2^12 * 2^(-x / 2^12), rounded: a product of the roots 2^(-1/2), 2^(-1/4), ..., each of 62 bits,
/// which is far closer than any entry is to a tie.
std::array<std::uint16_t, kFractions> make_fractions() {
    constexpr unsigned kPoint = 62;
    std::array<std::uint64_t, 12> roots{};  // of x's bits, the highest first
    Uint128 one = static_cast<Uint128>(1) << kPoint;
    std::uint64_t root = static_cast<std::uint64_t>(one / 2);
    for (std::uint64_t& each : roots)
        each = root = integer_root(static_cast<Uint128>(root) << kPoint);
    std::array<std::uint16_t, kFractions> table{};
    for (std::uint32_t x = 0; x < kFractions; ++x) {
        Uint128 power = one;
        for (unsigned i = 0; i < roots.size(); ++i)
            if ((x >> (roots.size() - 1 - i) & 1U) != 0) power = power * roots[i] >> kPoint;
        table[x] = static_cast<std::uint16_t>(((power << 13) + one) >> (kPoint + 1));
    }
    return table;
}

std::int64_t product(std::span<const std::int16_t> query, const std::int16_t* key) {
    std::int64_t sum = 0;
    for (std::size_t c = 0; c < query.size(); ++c) sum += std::int64_t{query[c]} * key[c];
    return sum;
}

}  // namespace

float digit_query_factor(std::size_t head_dim) {
    constexpr double kLog2E = 0x1.71547652b82fep+0;
    return static_cast<float>(1024.0 * kLog2E / std::sqrt(static_cast<double>(head_dim)));
}

std::int16_t digit_fixed(float x, float factor) {
    const float scaled = x * factor;
    if (scaled >= static_cast<float>(kDigitLargest)) return kDigitLargest;
    if (scaled <= -static_cast<float>(kDigitLargest)) return -kDigitLargest;
    if (scaled != scaled) return 0;
    constexpr float kRounds = 0x1.8p23F;  // has no bits behind the point left
    return static_cast<std::int16_t>(scaled + kRounds - kRounds);
}

std::span<const std::uint16_t> digit_fractions() {
    static const std::array<std::uint16_t, kFractions> table = make_fractions();
    return table;
}

std::uint32_t digit_entry(std::size_t k, std::uint32_t digit) {
    CHECK(k < kDigitCount && digit >> kDigitBits[k] == 0);
    if (k == 0) return 1;
    if (k == 1) return digit_fractions()[digit];
    if (k == 2) return digit > kLastHalving ? 0 : ((1U << kLastHalving >> digit) + 1) >> 1;
    return digit == 0 ? 1 : 0;
}

std::uint32_t digit_weight(std::uint64_t below) {
    CHECK(below >> (kDigitPlace[kDigitCount - 1] + kDigitBits[kDigitCount - 1]) == 0);
    std::uint32_t weight = 1;
    for (std::size_t k = 0; k < kDigitCount; ++k) weight *= digit_entry(k, digit_of(below, k));
    return weight;
}

std::int64_t digit_shift(std::uint64_t sum) {
    CHECK(sum >> kDigitWeightBits != 0);
    const auto top = static_cast<int>(std::bit_width(sum)) - 1;
    std::uint64_t rest = sum << (63 - top);  // in [1, 2), 63 bits behind the point
    std::int64_t log = top - static_cast<int>(kDigitWeightBits);
    for (unsigned bit = 0; bit < kDigitBits[1] + 1; ++bit) {
        const Uint128 square = static_cast<Uint128>(rest) * rest >> 63;
        const bool high = square >> 64 != 0;
        rest = static_cast<std::uint64_t>(high ? square >> 1 : square);
        log = 2 * log + (high ? 1 : 0);
    }
    return ((log + 1) >> 1) * (1 << kDigitBits[0]);
}

DigitAttentionRow digit_attention_row(std::span<const std::int16_t> query, DigitRows keys,
                                      DigitRows values, std::size_t first, std::size_t end) {
    CHECK(first < end && query.size() <= kDigitWidest);
    std::vector<std::int64_t> scores;
    for (std::size_t j = first; j < end; ++j) scores.push_back(product(query, keys.row(j)));
    const std::int64_t most = *std::max_element(scores.begin(), scores.end());
    std::uint64_t sum = 0;
    for (const std::int64_t score : scores)
        sum += digit_weight(static_cast<std::uint64_t>(most - score));

    DigitAttentionRow row;
    row.shift = most + digit_shift(sum);
    row.sums.resize(query.size());
    for (std::size_t j = first; j < end; ++j) {
        const auto below = static_cast<std::uint64_t>(row.shift - scores[j - first]);
        const std::uint32_t weight = digit_weight(below);
        row.below.push_back(below);
        row.weights.push_back(weight);
        for (std::size_t c = 0; c < query.size(); ++c)
            row.sums[c] += std::int64_t{weight} * values.row(j)[c];
    }
    return row;
}

namespace reference {

void attention_digits(const AttentionForward& op, std::size_t sequence, std::size_t head,
                      std::size_t begin, std::size_t end, float* /*scratch*/) {
    const AttentionShape& shape = op.shape;
    const std::size_t d = shape.head_dim;
    const auto rows = [&](const KvRows& x) {
        const std::size_t kv_head = head / (shape.heads / shape.kv_heads);
        return DigitRows{static_cast<const std::int16_t*>(x.data) +
                             sequence * shape.keys() * x.stride + kv_head * d,
                         x.stride};
    };
    for (std::size_t i = begin; i < end; ++i) {
        const std::size_t row = sequence * shape.queries + i;
        std::vector<std::int16_t> query;
        for (std::size_t c = 0; c < d; ++c)
            query.push_back(digit_fixed(op.q.row(row)[head * d + c], digit_query_factor(d)));
        const DigitAttentionRow attended = digit_attention_row(
            query, rows(op.k), rows(op.v), shape.first_key(i), shape.visible(i));
        for (std::size_t c = 0; c < d; ++c)
            op.out.row(row)[head * d + c] = digit_output(attended.sums[c]);
    }
}

}  // namespace reference

}  // namespace cairn::tensor
