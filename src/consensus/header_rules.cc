// CONSENSUS: changing a result here splits the network.
#include "consensus/header_rules.h"

#include <algorithm>

#include "base/check.h"
#include "chain/target.h"
#include "consensus/difficulty.h"

namespace cairn::consensus {

std::uint32_t expected_target(const chain::NetworkDefinition& network,
                              const HeaderContext& context) {
    CHECK(context.height > 0);
    if (context.height == 1) return network.first_target;
    // Times are below 2^62 (check_header), so the difference fits.
    const std::int64_t dt_ms = static_cast<std::int64_t>(context.parent.time_ms) -
                               static_cast<std::int64_t>(context.grandparent_time_ms);
    return next_target(network, context.parent.target, dt_ms);
}

std::uint64_t allowed_drift_ms(const chain::NetworkDefinition& network) {
    return std::max<std::uint64_t>(2000, 2 * network.spacing_ms);
}

Verdict check_header(const chain::NetworkDefinition& network, const chain::Versions& newest,
                     const chain::BlockHeader& header, const HeaderContext& context,
                     std::uint64_t now_ms, Work work) {
    if (header.previous != chain::block_hash(context.parent))
        return Verdict::invalid(Rule::kC1,
                                "header does not extend the block that it was checked against");
    const chain::Versions versions = network.versions_at(context.height);
    const bool of_a_newer_definition = !header.versions.known_to(versions);
    if (header.versions != versions && !of_a_newer_definition)
        return Verdict::invalid(Rule::kC1, "header must name " + chain::to_string(versions));
    const std::uint32_t compact = expected_target(network, context);
    if (header.target != compact)
        return Verdict::invalid(Rule::kC1,
                                "header's target is not the one that its ancestors' times give");
    // A time before the parent's would harden targets by all that it goes back, while the way
    // forth again eases them by ten spacings at most: a fifth of all hash power could stop a chain.
    if (header.time_ms <= context.parent.time_ms)
        return Verdict::invalid(Rule::kC1, "header's time is not later than its parent's");
    if (header.time_ms >= std::uint64_t{1} << 62)
        return Verdict::invalid(Rule::kC1, "header's time must be below 2^62");
    const Result<chain::U256> target = chain::target_from_compact(compact);
    CHECK(target.ok());
    if (work == Work::kUnknown &&
        !chain::meets_target(chain::work_hash(network.work, header), *target))
        return Verdict::invalid(Rule::kC1, "header's hash does not meet its target");
    if (header.time_ms > now_ms && header.time_ms - now_ms > allowed_drift_ms(network))
        return Verdict::undecided("header's time is too far ahead of our clock; ask again later");
    if (of_a_newer_definition)
        return Verdict::undecided("this block follows " + chain::to_string(header.versions) +
                                  ", and our network.json names " + chain::to_string(versions) +
                                  " at its height; if the network decided on an upgrade, get its "
                                  "new network.json");
    if (!versions.known_to(newest))
        return Verdict::undecided("this block follows " + chain::to_string(versions) +
                                  "; update Cairn to go on");
    return Verdict::valid();
}

}  // namespace cairn::consensus
