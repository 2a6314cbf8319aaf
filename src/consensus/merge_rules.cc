// CONSENSUS: changing a result here splits the network.
#include "consensus/merge_rules.h"

#include <algorithm>
#include <limits>

#include "base/check.h"
#include "consensus/exact_dot.h"

namespace cairn::consensus {
namespace {

constexpr std::uint64_t kMostWeight = std::uint64_t{1} << 28;  // 2^12 whole contributions

/// Within +-(2^31 - 1).
std::int32_t clamped_to_int32(std::int64_t value) {
    constexpr std::int64_t kMax = std::numeric_limits<std::int32_t>::max();
    return static_cast<std::int32_t>(std::clamp(value, -kMax, kMax));
}

}  // namespace

std::uint32_t outer_factor(std::uint8_t step) {
    CHECK(step >= 1 && step <= kOuterSteps);
    return static_cast<std::uint32_t>(integer_sqrt(Int128{1} << (19 + step)));
}

std::int64_t round_half_away(std::int64_t numerator, std::int64_t denominator) {
    CHECK(denominator > 0);
    const std::int64_t quotient = numerator / denominator;  // towards zero
    const std::int64_t rest = numerator % denominator;
    const std::uint64_t size = rest < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(rest)
                                        : static_cast<std::uint64_t>(rest);
    if (size < static_cast<std::uint64_t>(denominator) - size) return quotient;
    return numerator < 0 ? quotient - 1 : quotient + 1;
}

Delta at_mean_norm(Delta delta, std::uint64_t norm, std::uint64_t mean_norm) {
    CHECK(norm > 0);
    const Uint128 weight = (static_cast<Uint128>(mean_norm) << 16) / norm;
    CHECK(weight < 1 << 22);
    const auto w = static_cast<std::int64_t>(weight);
    for (std::int32_t& entry : delta)
        entry = clamped_to_int32(round_half_away(entry * w, std::int64_t{1} << 16));
    return delta;
}

void MergeSum::add(const Delta& delta, std::uint32_t weight) {
    CHECK(delta.size() == sum_.size() && weight > 0 && weight <= 1 << 16);
    CHECK(weight_ + weight <= kMostWeight);
    for (std::size_t i = 0; i < delta.size(); ++i) sum_[i] += std::int64_t{delta[i]} * weight;
    weight_ += weight;
}

Delta MergeSum::merged(std::uint8_t outer_step) const {
    // The rounded sum is at most 2^31 * 2^12 whole contributions, times a factor <= 2^17: 2^60.
    CHECK(weight_ > 0);
    const std::int64_t factor = outer_factor(outer_step);
    const auto denominator = static_cast<std::int64_t>(weight_);
    Delta merged(sum_.size());
    for (std::size_t i = 0; i < sum_.size(); ++i)
        merged[i] = clamped_to_int32(
            round_half_away(round_half_away(sum_[i], std::int64_t{1} << 16) * factor, denominator));
    return merged;
}

Delta against_signs(const Delta& public_gradient, std::uint8_t step) {
    CHECK(step <= kPublicSteps);
    Delta result(public_gradient.size(), 0);
    if (step == 0) return result;
    const std::int32_t length = 1 << (step - 1);
    for (std::size_t i = 0; i < result.size(); ++i) {
        if (public_gradient[i] != 0) result[i] = public_gradient[i] > 0 ? -length : length;
    }
    return result;
}

Delta middle(const Delta& public_step, const Delta& merged) {
    CHECK(public_step.size() == merged.size());
    Delta result(merged.size());
    // |P| <= 2^23 and |D / 2| <= 2^30.
    for (std::size_t i = 0; i < result.size(); ++i) result[i] = public_step[i] + (merged[i] >> 1);
    return result;
}

namespace {

Verdict not_lowest(const char* which, int step, std::int64_t loss, std::int64_t better) {
    return Verdict::invalid(Rule::kC7, std::string(which) + " of " + std::to_string(step) +
                                           " leaves a judge loss of " + std::to_string(loss) +
                                           ", and one beside it " + std::to_string(better));
}

}  // namespace

Verdict check_steps(const chain::MergeSteps& steps, const StepLosses& losses) {
    if (losses.outer > losses.before)
        return Verdict::invalid(
            Rule::kC7, "together the contributions raise the judge batch's loss from " +
                           std::to_string(losses.before) + " to " + std::to_string(losses.outer));
    for (const auto& beside : {losses.outer_shorter, losses.outer_longer}) {
        if (beside && *beside < losses.outer)
            return not_lowest("the outer step", steps.outer_step, losses.outer, *beside);
    }
    if (losses.behind_public > losses.before)
        return Verdict::invalid(
            Rule::kC7, "the public step of " + std::to_string(steps.public_step) +
                           " raises the judge batch's loss from " + std::to_string(losses.before) +
                           " to " + std::to_string(losses.behind_public));
    for (const auto& beside : {losses.public_shorter, losses.public_longer}) {
        if (beside && *beside < losses.behind_public)
            return not_lowest("the public step", steps.public_step, losses.behind_public, *beside);
    }
    return Verdict::valid();
}

Verdict check_steps_named(const chain::NetworkDefinition& network, const chain::Block& block) {
    const chain::MergeSteps& steps = block.coinbase.steps;
    if (network.one_winner())
        return steps == chain::MergeSteps{}
                   ? Verdict::valid()
                   : Verdict::invalid(Rule::kC2,
                                      "the coinbase names steps, and in this network an update "
                                      "is merged as it is");
    const bool merges = !block.contributions.empty();
    if (!merges && steps == chain::MergeSteps{}) return Verdict::valid();
    if (merges && steps.outer_step >= 1 && steps.outer_step <= kOuterSteps &&
        steps.public_step <= kPublicSteps)
        return Verdict::valid();
    return Verdict::invalid(
        Rule::kC2, merges ? "the coinbase names steps that do not exist"
                          : "the coinbase names steps, and the block has no contributions");
}

}  // namespace cairn::consensus
