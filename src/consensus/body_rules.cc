// CONSENSUS: changing a result here splits the network.
#include "consensus/body_rules.h"

#include "consensus/merge_rules.h"

namespace cairn::consensus {
namespace {

Verdict check_limit(const char* what, std::size_t count, std::size_t max) {
    if (count <= max) return Verdict::valid();
    return Verdict::invalid(Rule::kC2, "block has " + std::to_string(count) + " " + what +
                                           "; at most " + std::to_string(max) + " are allowed");
}

}  // namespace

bool body_matches(const chain::Block& block) {
    return chain::body_root(block) == block.header.body_root;
}

Verdict check_body(const chain::NetworkDefinition& network, const chain::Block& block,
                   std::uint32_t height) {
    if (!body_matches(block)) return Verdict::invalid(Rule::kC2, "body does not match its header");
    const bool merge = network.is_merge_height(height);
    if (!merge && !block.contributions.empty())
        return Verdict::invalid(Rule::kC2, "contributions are allowed at merge heights only");
    if (merge && !block.commitments.empty())
        return Verdict::invalid(Rule::kC2, "commitments are not allowed at merge heights");
    RETURN_UNLESS_VALID(check_limit("payments", block.payments.size(), network.max_payments));
    RETURN_UNLESS_VALID(
        check_limit("commitments", block.commitments.size(), network.max_commitments));
    RETURN_UNLESS_VALID(
        check_limit("contributions", block.contributions.size(), network.max_contributions));
    for (const chain::Contribution& contribution : block.contributions) {
        RETURN_UNLESS_VALID(check_limit("bytes in a payload", contribution.payload.size(),
                                        network.max_payload_bytes));
    }
    RETURN_UNLESS_VALID(check_steps_named(network, block));
    if (block.coinbase.height != height)
        return Verdict::invalid(Rule::kC2, "coinbase does not name the block's height");
    if (!network.is_member(block.coinbase.miner))
        return Verdict::invalid(Rule::kC2, "miner is no member of this private network");
    const Bytes bytes = chain::encode(block);
    RETURN_UNLESS_VALID(check_limit("bytes", bytes.size(), network.max_block_bytes));
    // A block from outside came through the decoder; one that was put together in memory did not.
    const Result<chain::Block> canonical = chain::decode_block(bytes);
    if (!canonical.ok())
        return Verdict::invalid(Rule::kC2, "block is not canonical: " + canonical.error().message);
    return Verdict::valid();
}

}  // namespace cairn::consensus
