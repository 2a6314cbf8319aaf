// The branches that one peer told us of, by their latest headers. More than one, because blocks are
// passed on before all rules have judged them: the best that a peer told may be invalid, or be
// judged for a minute, and the honest one beside it has no more work and is not told again.
#pragma once

#include <cstddef>
#include <vector>

#include "node/block_tree.h"

namespace cairn::node {

class ToldBranches {
  public:
    static constexpr std::size_t kMax = 4;

    /// It told of `last`, and so of what that stands on. Of too many branches the one with the
    /// least work goes, of equals the oldest.
    void add(const BlockNode* last);
    /// It lacks a block, and all branches with it.
    void remove(const BlockNode* lacking);
    /// Those that were found invalid go. True if others were left before, and none is now.
    bool drop_invalid();
    void clear() { tips_.clear(); }

    bool empty() const { return tips_.empty(); }
    /// The one with the most work; null if there is none.
    const BlockNode* best() const { return tips_.empty() ? nullptr : tips_.front(); }
    /// Most work first, the latest first among equals.
    const std::vector<const BlockNode*>& tips() const { return tips_; }

  private:
    std::vector<const BlockNode*> tips_;
};

}  // namespace cairn::node
