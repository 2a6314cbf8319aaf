// C1: what a header must satisfy, from its ancestors' headers alone. Cheap, so it is checked
// before any body is asked for.
#pragma once

#include <cstdint>
#include <vector>

#include "base/verdict.h"
#include "chain/block.h"

namespace cairn::consensus {

/// What the rule needs to know of the chain that a header extends.
struct HeaderContext {
    std::uint32_t height = 0;  ///< of the new header, at least 1
    chain::BlockHeader parent;
    std::uint64_t grandparent_time_ms = 0;  ///< not read at height 1
};

/// The compact target that the header at `context.height` must name.
std::uint32_t expected_target(const chain::NetworkDefinition& network,
                              const HeaderContext& context);
/// How far ahead of our clock a header's time may be: max(2 s, 2 spacings).
std::uint64_t allowed_drift_ms(const chain::NetworkDefinition& network);

/// Whether a header is already known to do its work: the work hash can cost most of a millisecond
/// (chain/work_function.h), and is computed once for each header.
enum class Work { kUnknown, kKnown };

/// Links, versions, target, time and work, the work last. A time too far ahead of now_ms, and
/// versions that this program (`newest` is what it knows) or this definition does not know, are
/// `undecided`.
Verdict check_header(const chain::NetworkDefinition& network, const chain::Versions& newest,
                     const chain::BlockHeader& header, const HeaderContext& context,
                     std::uint64_t now_ms, Work work = Work::kUnknown);

}  // namespace cairn::consensus
