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
    for (const double y : solve(std::move(matrix), std::move(right))) {
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

std::int64_t share_of_gain(Int128 score, std::uint32_t step, std::uint64_t weight) {
    CHECK(weight > 0 && weight <= std::uint64_t{1} << 32 && step <= 1 << 18);
    constexpr Int128 kLimit = Int128{1} << 108;  // times 2^18 it stays below 2^127
    const Int128 product = std::clamp(score, -kLimit, kLimit) * step;
    const Int128 divisor = static_cast<Int128>(weight) << 20;
    const Int128 towards_zero = product / divisor;
    const Int128 share = towards_zero - (product % divisor < 0 ? 1 : 0);
    constexpr Int128 kMostShare = std::numeric_limits<std::int64_t>::max();
    return static_cast<std::int64_t>(std::clamp(share, -kMostShare, kMostShare));
}

std::uint64_t median_of(std::vector<WeighedWorth> worths) {
    const auto counts = [](const WeighedWorth& one) {
        return static_cast<Uint128>(one.worth) * one.weight;
    };
    std::sort(worths.begin(), worths.end(), std::greater<>());
    Uint128 all = 0;
    for (const WeighedWorth& one : worths) all += counts(one);
    Uint128 so_far = 0;
    for (const WeighedWorth& one : worths) {
        so_far += counts(one);
        if (2 * so_far >= all) return one.worth;
    }
    return 0;
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
