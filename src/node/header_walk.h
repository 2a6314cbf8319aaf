// Follows a branch header by header without a place in the tree: C1 of each, and the work of all.
// What a stranger sends is walked first, and gets a place only once it stands for enough work.
#pragma once

#include <cstdint>

#include "node/block_tree.h"

namespace cairn::node {

class HeaderWalk {
  public:
    /// Begins on top of a header that the tree has.
    explicit HeaderWalk(const BlockNode* from);

    /// Judges the next header by C1, for a program that knows all up to `newest`, and, if it is
    /// valid, steps onto it.
    Verdict step(const chain::NetworkDefinition& network, const chain::Versions& newest,
                 const chain::BlockHeader& header, std::uint64_t now_ms, consensus::Work work);

    /// Of the header that it stands on.
    const Hash256& hash() const { return hash_; }
    std::uint32_t height() const { return next_.height - 1; }
    /// Of the whole chain up to there.
    const consensus::ChainWork& work() const { return work_; }

  private:
    Hash256 hash_;
    consensus::ChainWork work_;
    consensus::HeaderContext next_;
};

}  // namespace cairn::node
