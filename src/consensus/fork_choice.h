// Which of two chains to follow: the one with more work; of equals the one seen first (papers A:
// Lemma 9). A node switches only once it has found the whole branch valid; the tree of blocks is
// in node/.
#pragma once

#include <cstdint>

#include "consensus/work.h"

namespace cairn::consensus {

struct BranchTip {
    ChainWork work;
    std::uint64_t seen_order = 0;  ///< counts arrivals; smaller is earlier
};

inline bool is_better(const BranchTip& candidate, const BranchTip& current) {
    if (candidate.work != current.work) return candidate.work > current.work;
    return candidate.seen_order < current.seen_order;
}

}  // namespace cairn::consensus
