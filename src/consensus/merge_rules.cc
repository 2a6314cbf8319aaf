// CONSENSUS: changing a result here splits the network.
#include "consensus/merge_rules.h"

#include <limits>

#include "base/check.h"

namespace cairn::consensus {

std::int64_t round_half_away(std::int64_t numerator, std::int64_t denominator) {
    CHECK(denominator > 0);
    const std::int64_t quotient = numerator / denominator;  // towards zero
    const std::int64_t rest = numerator % denominator;
    const std::uint64_t size = rest < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(rest)
                                        : static_cast<std::uint64_t>(rest);
    if (size < static_cast<std::uint64_t>(denominator) - size) return quotient;
    return numerator < 0 ? quotient - 1 : quotient + 1;
}

void MergeSum::add(const Delta& delta) {
    CHECK(delta.size() == sum_.size() && count_ < 65535);
    for (std::size_t i = 0; i < delta.size(); ++i) sum_[i] += delta[i];
    ++count_;
}

void MergeSum::remove(const Delta& delta) {
    CHECK(delta.size() == sum_.size() && count_ > 0);
    for (std::size_t i = 0; i < delta.size(); ++i) sum_[i] -= delta[i];
    --count_;
}

Delta MergeSum::merged(std::uint32_t outer_step) const {
    CHECK(count_ > 0 && outer_step <= 1 << 18);
    // |sum| <= 2^31 * 2^12 contributions, times outer_step <= 2^18: at most 2^61.
    CHECK(count_ <= 4096);
    const std::int64_t denominator = std::int64_t{count_} << 16;
    Delta merged(sum_.size());
    for (std::size_t i = 0; i < sum_.size(); ++i) {
        const std::int64_t step = round_half_away(sum_[i] * outer_step, denominator);
        constexpr std::int64_t kMax = std::numeric_limits<std::int32_t>::max();
        merged[i] = static_cast<std::int32_t>(step > kMax ? kMax : step < -kMax ? -kMax : step);
    }
    return merged;
}

Verdict check_joint_loss(std::uint32_t slack, std::int64_t before, std::int64_t after) {
    const Int128 allowed = before > 0 ? (Int128{before} * slack) >> 16 : Int128{0};
    if (Int128{after} - before <= allowed) return Verdict::valid();
    return Verdict::invalid(Rule::kC7,
                            "together the contributions raise the judge batch's loss from " +
                                std::to_string(before) + " to " + std::to_string(after));
}

}  // namespace cairn::consensus
