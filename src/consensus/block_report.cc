// CONSENSUS: changing a result here splits the network.
#include "consensus/block_report.h"

#include "base/check.h"

namespace cairn::consensus {

void describe_merged(BlockReport& report, std::size_t index, std::uint64_t reward) {
    CHECK(index < report.contributions.size());
    ContributionReport& merged = report.contributions[index];
    merged.merged = true;
    merged.reward = reward;
    merged.reason = "merged: its worth of " + std::to_string(merged.worth);
    if (merged.worth >= report.worth_reference)
        merged.reason += " reaches the reference of " + std::to_string(report.worth_reference) +
                         ", so it earned the full unit";
    else
        merged.reason += " is below the reference of " + std::to_string(report.worth_reference) +
                         ", so it earned that share of a unit";
}

}  // namespace cairn::consensus
