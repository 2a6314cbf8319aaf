// LightHeaders: a chain's headers for who does not follow the chain (docs/spec/serving.md, S53):
// each checked by C1 from genesis on, of several branches the one with most work, and on disk for
// the next time. What leads to no more work than the best is not kept: headers of little work cost
// nothing where a branch leaves the chain far back (presync.h). What lies there counts as work that
// was seen: a chain with less is not believed afterwards.
#pragma once

#include <memory>
#include <string>

#include "consensus/rules.h"
#include "node/block_tree.h"

namespace cairn::node {

class LightHeaders {
  public:
    /// More are not kept, nor read from disk.
    static constexpr std::size_t kMaxHeaders = std::size_t{1} << 21;

    /// Makes the chain's first block; `model_root` is that of the first model.
    LightHeaders(const chain::NetworkDefinition& network, const Hash256& model_root,
                 std::size_t max_headers = kMaxHeaders);

    /// Takes what `path` holds, if it is a chain of this network that no bit was changed of.
    void load(const std::string& path, std::uint64_t now_ms);
    /// Writes the best chain, if it is not what was loaded.
    Status save(const std::string& path);

    struct Taken {
        std::size_t added = 0;         ///< how many were new
        bool too_little_work = false;  ///< they lead to no more than the best: none is kept
    };
    /// Whether a branch's work was counted before, and found to be more.
    enum class Counted { kNo, kYes };
    /// Takes consecutive headers of a peer. kInvalid: the peer is wrong, or it sends what hangs in
    /// the air; kFull beyond max_headers, of these nothing is kept. It stops at one that our clock
    /// or this program does not know yet.
    Result<Taken> take(std::span<const chain::BlockHeader> headers, std::uint64_t now_ms,
                       consensus::Work work = consensus::Work::kUnknown,
                       Counted counted = Counted::kNo);

    const BlockNode* best() const { return tree_->best_header(); }
    const BlockNode* find(const Hash256& hash) const { return tree_->find(hash); }
    /// Whether the block is on the best chain.
    bool is_on_best(const BlockNode* node) const {
        return ancestor_at(best(), node->height) == node;
    }
    std::vector<Hash256> locator() const { return locator(best()); }
    std::vector<Hash256> locator(const BlockNode* from) const { return tree_->locator(from); }

  private:
    const chain::NetworkDefinition& network_;
    std::size_t max_headers_;
    std::unique_ptr<BlockTree> tree_;
    Hash256 saved_;  // the tip that is on disk
};

}  // namespace cairn::node
