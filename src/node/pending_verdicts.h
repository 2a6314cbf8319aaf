// Merge blocks that the fast kernels call invalid, and which are not condemned before the
// reference arithmetic has been asked (consensus/second_opinion.h). That takes up to a minute on a
// lane of its own, and the chain goes on by other branches meanwhile.
//
// The reference is asked about one block at a time, so only one copy of the model exists. The
// other blocks wait here by name only; who wants to know about one of them takes it out and has it
// judged again. Each stands for the work of a block with more work than the tip.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/loop.h"
#include "consensus/second_opinion.h"
#include "node/block_tree.h"

namespace cairn::node {

class PendingVerdicts {
  public:
    /// Gets the block, which waits no longer, and the answer about it.
    using OnAnswer =
        std::function<void(const BlockNode* block, const consensus::SecondOpinion::Answer& answer)>;

    PendingVerdicts(Loop& loop, OnAnswer on_answer)
        : loop_(loop), on_answer_(std::move(on_answer)) {}

    /// The block waits from now on. `second` is asked, or dropped when the reference is busy.
    void add(const BlockNode* block, std::shared_ptr<consensus::SecondOpinion> second);
    bool is_asking() const { return asked_ != nullptr; }
    bool empty() const { return blocks_.empty(); }
    /// The waiting block that `node` is or stands on; null if there is none.
    const BlockNode* below(const BlockNode* node) const;
    /// The block waits no longer. Not for the one that the reference is asked about.
    void release(const BlockNode* block);
    /// The same for all of them.
    void clear();

  private:
    Loop& loop_;
    OnAnswer on_answer_;
    std::vector<const BlockNode*> blocks_;
    const BlockNode* asked_ = nullptr;  // one of blocks_
    Alive alive_;
};

}  // namespace cairn::node
