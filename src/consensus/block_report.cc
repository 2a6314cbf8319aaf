#include "consensus/block_report.h"

#include "base/check.h"
#include "consensus/worth_rules.h"

namespace cairn::consensus {
namespace {

/// A weight over 2^16 in hundredths.
std::uint32_t hundredths(std::uint32_t weight) { return (weight * 100 + (1U << 15)) >> 16; }

}  // namespace

void ContributionReport::set_score(const Scored& scored) {
    raw_score = scored.raw_score;
    score = scored.score;
    share = scored.share;
    weighed = scored.weighed();
}

void describe_merged(BlockReport& report, std::size_t index, std::uint64_t reward,
                     const chain::NetworkDefinition& network) {
    CHECK(index < report.contributions.size());
    ContributionReport& merged = report.contributions[index];
    merged.merged = true;
    merged.reward = reward;
    if (network.one_winner()) {
        merged.reason =
            "merged as it is: its miner found the block, and gets the whole unit; nothing in this "
            "network measures what it is worth";
        return;
    }
    merged.reason = "merged: its worth of " + std::to_string(merged.weighed.worth);
    const std::string reference = std::to_string(report.worth_reference);
    const std::uint64_t part = paid_part(merged.weighed.worth, report.worth_reference);
    if (part == 0)
        merged.reason +=
            " is not above half of the reference of " + reference + ", so it earns nothing";
    else if (part == report.worth_reference)
        merged.reason += " reaches the reference of " + reference + ", so it is paid in full";
    else
        merged.reason += " is between half of the reference of " + reference +
                         " and all of it, so it is paid in part";
    if (part == 0) return;
    // Below that it is the noise of likenesses.
    if (const std::uint32_t part_of_one = hundredths(merged.weighed.weight); part_of_one < 99)
        merged.reason += std::string(", as 0.") + (part_of_one < 10 ? "0" : "") +
                         std::to_string(part_of_one) +
                         " of one contribution, since others brought the like";
    const std::uint32_t percent = (network.carry_share * 100 + (1U << 15)) >> 16;
    if (percent > 0)
        merged.reason += ": " + std::to_string(100 - percent) + " % to its contributor, " +
                         std::to_string(percent) +
                         " % to the miners who carried it, if they contributed too";
}

}  // namespace cairn::consensus
