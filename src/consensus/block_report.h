// What connecting or assembling a block found out: the sentences behind `cairn explain`. No rule
// reads it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "chain/network.h"
#include "consensus/merge_judge.h"
#include "crypto/keys.h"

namespace cairn::consensus {

/// One contribution that was considered.
struct ContributionReport {
    Hash256 commitment_id;
    crypto::PublicKey key;  ///< zero if the commitment is unknown
    bool merged = false;
    std::string reason;      ///< a sentence: why it was left out, or what it earned
    Int128 raw_score = 0;    ///< S(d), before novelty
    Int128 score = 0;        ///< after novelty
    std::uint64_t norm = 0;  ///< unit 2^-24
    std::int64_t share = 0;  ///< of the round's gain
    WeighedWorth weighed;
    std::uint64_t reward = 0;  ///< minted to its own key
    /// Where a miner's template left it out for that: its share of what the joint step gains, as in
    /// MergeChoice::shares.
    std::optional<std::int64_t> joint_share;

    void set_score(const Scored& scored);
};

/// A payment or commitment that assemble() did not take.
struct LeftOut {
    Hash256 id;
    std::string reason;
};

struct BlockReport {
    std::uint32_t height = 0;
    bool merge = false;  ///< a merge height
    std::uint32_t round = 0;
    std::uint64_t mean_norm = 0;  ///< m before the block
    chain::MergeSteps steps;
    /// w_ref; while nothing is merged, what recent rounds make of it.
    std::uint64_t worth_reference = 0;
    std::vector<ContributionReport> contributions;
    std::vector<LeftOut> left_out;
    /// Per token x 2^20, summed over the windows on which losses are taken.
    std::optional<std::int64_t> judge_loss_before;
    std::optional<std::int64_t> judge_loss_after;
    std::uint64_t fees = 0;
    std::uint64_t minted = 0;
    std::string disagreement;  ///< not empty: fast and reference kernels differ, a fault of ours
};

/// Completes the report of the contribution at `index`, which was merged and brought its
/// contributor `reward`.
void describe_merged(BlockReport& report, std::size_t index, std::uint64_t reward,
                     const chain::NetworkDefinition& network);

}  // namespace cairn::consensus
