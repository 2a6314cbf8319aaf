// Every header that a node knows, as a tree with genesis as its root. Only headers that pass C1
// get in, so each node of the tree stands for real work. The tree lives on the loop; the
// fields of a BlockNode that never change may be read from the chain lane too, which walks from a
// node to its ancestors while it replays.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "chain/block.h"
#include "consensus/header_rules.h"
#include "consensus/work.h"

namespace cairn::node {

struct BlockNode {
    // Fixed once in the tree.
    Hash256 hash;
    chain::BlockHeader header;
    const BlockNode* parent = nullptr;  ///< null for genesis
    /// An ancestor further down, so that from any block to any other below it are no more steps
    /// than a few times the logarithm of the height; genesis's is itself. Blocks of one height jump
    /// to one height. (Myers, An applicative random-access stack, 1983.)
    const BlockNode* jump = nullptr;
    std::uint32_t height = 0;
    consensus::ChainWork work;
    std::uint64_t seen_order = 0;

    // The loop's alone.
    std::vector<BlockNode*> children;
    bool has_body = false;
    bool body_coming = false;  ///< accepted, on its way to the disk
    bool has_path = false;     ///< this body and those of all ancestors are here
    bool invalid = false;      ///< this block or an ancestor breaks a rule
    bool connected = false;    ///< all rules found it valid once
    std::string reason;
};

/// One step from `node` towards its ancestor at `height`, which is below it: as far as it gets.
const BlockNode* step_down(const BlockNode* node, std::uint32_t height);
/// The ancestor of `node` at `height`, or node itself; null if height is above it.
const BlockNode* ancestor_at(const BlockNode* node, std::uint32_t height);
/// The highest block that both chains contain.
const BlockNode* common_ancestor(const BlockNode* a, const BlockNode* b);
/// The blocks above `from` up to `to`, lowest first. CHECKs that `from` is an ancestor of `to`.
std::vector<const BlockNode*> path(const BlockNode* from, const BlockNode* to);
/// The lowest block up to `node` for which holds(block). It must hold for `node`, for every block
/// above one for which it holds, and not for genesis.
template <typename Holds>
const BlockNode* lowest(const BlockNode* node, Holds holds) {
    while (holds(node->parent)) node = holds(node->jump) ? node->jump : node->parent;
    return node;
}
/// What C1 asks about the chain that a block on top of `parent` extends.
consensus::HeaderContext context_after(const BlockNode* parent);

class BlockTree {
  public:
    explicit BlockTree(const chain::Block& genesis);
    BlockTree(const BlockTree&) = delete;
    BlockTree& operator=(const BlockTree&) = delete;

    BlockNode* genesis() const { return genesis_; }
    /// Null if unknown.
    BlockNode* find(const Hash256& hash) const;
    std::size_t size() const { return nodes_.size(); }
    /// In the order in which they came, which is seen_order; genesis is 0.
    const std::vector<const BlockNode*>& in_order() const { return in_order_; }

    /// CHECKs that the parent is known. Returns the node, also when it was known already.
    BlockNode* add(const chain::BlockHeader& header);
    /// The body is on disk: candidates may now reach to here and beyond.
    void set_body(BlockNode* node);
    void lose_body(BlockNode* node);
    /// Marks this block and all that build on it as invalid, for good.
    void set_invalid(BlockNode* node, const std::string& reason);

    /// The header with the most work that is not known to be invalid.
    const BlockNode* best_header() const { return best_header_; }
    /// The block with the most work, first seen among equals, whose bodies are all here and which
    /// is not known to be invalid. At least genesis.
    BlockNode* best_candidate() const;
    /// The best of those that `takes` likes; null if there is none.
    const BlockNode* best_candidate(const std::function<bool(const BlockNode*)>& takes) const;
    /// Hashes from `tip` down to genesis, ever wider apart (GetHeaders, messages.h).
    std::vector<Hash256> locator(const BlockNode* tip) const;

  private:
    struct Better {
        bool operator()(const BlockNode* a, const BlockNode* b) const;
    };
    void spread_path(BlockNode* node);
    void drop_path(BlockNode* node);

    std::unordered_map<Hash256, std::unique_ptr<BlockNode>, FixedBytesHash> nodes_;
    std::vector<const BlockNode*> in_order_;
    BlockNode* genesis_ = nullptr;
    const BlockNode* best_header_ = nullptr;
    std::set<BlockNode*, Better> candidates_;  // has_path and not invalid, best first
};

}  // namespace cairn::node
