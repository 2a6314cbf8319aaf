// CONSENSUS: changing a result here splits the network.
#include "consensus/worth_rules.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>

#include "base/check.h"
#include "consensus/exact_dot.h"
#include "consensus/linear_solve.h"

namespace cairn::consensus {
namespace {

constexpr Int128 kMax = static_cast<Int128>(~Uint128{0} >> 1);
constexpr int kFactorBits = 32;
/// Keeps the equations solvable when two merges are almost the same.
constexpr double kRidge = 1 + 0x1p-20;
constexpr double kMaxFactor = 0x1p62;

/// A number and how much it counts.
using Counted = std::pair<std::uint64_t, Uint128>;

/// The largest number such that those at least as large count for half of all; 0 of none.
std::uint64_t middle_of(std::vector<Counted> numbers) {
    std::sort(numbers.begin(), numbers.end(), std::greater<>());
    Uint128 all = 0;
    for (const auto& [number, counts] : numbers) all += counts;
    Uint128 so_far = 0;
    for (const auto& [number, counts] : numbers) {
        so_far += counts;
        if (2 * so_far >= all) return number;
    }
    return 0;
}

/// a * b within +-2^120, so that sixteen of them add up.
Int128 bounded_product(Int128 a, Int128 b) {
    constexpr Int128 kBound = Int128{1} << 120;
    const bool negative = (a < 0) != (b < 0);
    const Int128 x = a < 0 ? -a : a;
    const Int128 y = b < 0 ? -b : b;
    const Int128 product = x != 0 && y > kBound / x ? kBound : x * y;
    return negative ? -product : product;
}

}  // namespace

Int128 first_order_gain(const Delta& gradient, const Delta& delta) { return -dot(gradient, delta); }

Repeated::Repeated(std::vector<std::span<const std::int32_t>> merges, const Delta& gradient) {
    for (const auto& merge : merges) {
        if (dot(merge, merge) > 0) merges_.push_back(merge);
    }
    const std::size_t n = merges_.size();
    std::vector<Row> matrix(n, Row(n, 0.0));
    Row right(n, 0.0);
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j <= i; ++j)
            matrix[i][j] = matrix[j][i] = static_cast<double>(dot(merges_[i], merges_[j]));
        right[i] = static_cast<double>(-dot(gradient, merges_[i]));
    }
    for (std::size_t i = 0; i < n; ++i) matrix[i][i] *= kRidge;
    for (const double y : solve(std::move(matrix), std::move(right), 0)) {
        const double scaled = std::floor(y * 0x1p32);
        const bool sound = std::isfinite(scaled);
        factors_.push_back(sound ? static_cast<Int128>(std::clamp(scaled, -kMaxFactor, kMaxFactor))
                                 : Int128{0});
    }
}

Int128 Repeated::score_of(const Delta& delta) const {
    Int128 sum = 0;
    for (std::size_t j = 0; j < merges_.size(); ++j)
        sum += bounded_product(dot(delta, merges_[j]), factors_[j]);
    return std::max<Int128>(0, sum >> kFactorBits);
}

Int128 novel_score(Int128 raw, Int128 repeated) {
    CHECK(repeated >= 0);
    return raw < repeated - kMax ? -kMax : raw - repeated;
}

std::int64_t share_of_gain(Int128 score, std::uint32_t step, std::uint32_t count) {
    CHECK(count > 0 && step <= 1 << 18);
    constexpr Int128 kLimit = Int128{1} << 108;  // times 2^18 it stays below 2^127
    const Int128 product = std::clamp(score, -kLimit, kLimit) * step;
    const Int128 divisor = static_cast<Int128>(count) << 36;
    const Int128 towards_zero = product / divisor;
    const Int128 share = towards_zero - (product % divisor < 0 ? 1 : 0);
    constexpr Int128 kMostShare = std::numeric_limits<std::int64_t>::max();
    return static_cast<std::int64_t>(std::clamp(share, -kMostShare, kMostShare));
}

std::uint64_t weighted_median(std::vector<std::uint64_t> worths) {
    std::vector<Counted> counted;
    for (const std::uint64_t worth : worths) counted.emplace_back(worth, worth);
    return middle_of(std::move(counted));
}

std::vector<std::uint64_t> worths_of(const std::vector<std::int64_t>& shares,
                                     const std::vector<std::uint32_t>& weights) {
    CHECK(shares.size() == weights.size());
    std::vector<std::uint64_t> gains;
    std::vector<Counted> by_gain, by_weight;
    for (std::size_t i = 0; i < shares.size(); ++i) {
        gains.push_back(static_cast<std::uint64_t>(std::max<std::int64_t>(0, shares[i])));
        const Uint128 counts = static_cast<Uint128>(gains[i]) * weights[i];
        by_gain.emplace_back(gains[i], counts);
        by_weight.emplace_back(weights[i], counts);
    }
    const std::uint64_t most_gain = middle_of(std::move(by_gain));
    const std::uint64_t most_weight = middle_of(std::move(by_weight));
    std::vector<std::uint64_t> worths;
    for (std::size_t i = 0; i < gains.size(); ++i) {
        const std::uint64_t gain = std::min(gains[i], most_gain);
        if (gain == 0 || weights[i] >= most_weight)
            worths.push_back(gain);
        else
            worths.push_back(
                static_cast<std::uint64_t>(static_cast<Uint128>(gain) * weights[i] / most_weight));
    }
    return worths;
}

std::uint64_t worth_reference(std::uint64_t median_now,
                              std::span<const std::uint64_t> recent_medians) {
    Uint128 sum = 0;
    for (const std::uint64_t recent : recent_medians) sum += recent;
    const Uint128 least =
        recent_medians.empty() ? 0 : sum / (4 * static_cast<Uint128>(recent_medians.size()));
    return std::max(median_now, static_cast<std::uint64_t>(least));
}

std::uint64_t paid_part(std::uint64_t worth, std::uint64_t reference) {
    if (worth >= reference) return reference;         // 0 where that is 0
    const std::uint64_t missing = reference - worth;  // from full pay
    return missing >= worth ? 0 : worth - missing;
}

}  // namespace cairn::consensus
