#include "consensus/block_report.h"

#include "base/check.h"

namespace cairn::consensus {

void describe_merged(BlockReport& report, std::size_t index, std::uint64_t reward,
                     std::uint32_t carry_share) {
    CHECK(index < report.contributions.size());
    ContributionReport& merged = report.contributions[index];
    merged.merged = true;
    merged.reward = reward;
    merged.reason = "merged: its worth of " + std::to_string(merged.worth);
    if (merged.worth >= report.worth_reference)
        merged.reason += " reaches the reference of " + std::to_string(report.worth_reference) +
                         ", so it is paid in full";
    else
        merged.reason += " is below the reference of " + std::to_string(report.worth_reference) +
                         ", so it is paid in proportion";
    const std::uint32_t percent = (carry_share * 100 + (1U << 15)) >> 16;
    if (percent > 0)
        merged.reason += ": " + std::to_string(100 - percent) + " % to its contributor, " +
                         std::to_string(percent) +
                         " % to the miners who carried it, if they contributed too";
}

}  // namespace cairn::consensus
