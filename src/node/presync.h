// A long branch of a peer's, read twice. Headers are nearly free where a branch leaves the chain
// far back, because targets ease with time, so a branch gets no place in the tree before it has
// shown more work than the best header. A branch that is longer than one message has to be counted
// for that: the first reading keeps its work and one bit of each header (a hash with a secret
// salt), the second stores the headers if they are the ones that were counted. As Bitcoin Core's
// presynchronisation of headers does.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "node/header_walk.h"

namespace cairn::node {

class Presync {
  public:
    /// Two mebibytes of bits. A longer branch is not followed from this far back.
    static constexpr std::size_t kMaxHeaders = std::size_t{1} << 24;

    /// `from` is in the tree; `salt` is unknown to the peer; `needed` is the work to surpass.
    Presync(const BlockNode* from, std::uint64_t salt, const consensus::ChainWork& needed)
        : from_(from), salt_(salt), needed_(needed), walk_(from) {}

    const BlockNode* from() const { return from_; }
    /// Where the peer's next message has to go on.
    const Hash256& last() const { return walk_.hash(); }
    const HeaderWalk& walk() const { return walk_; }
    bool is_second_reading() const { return second_; }
    std::size_t counted() const { return bits_.size(); }

    /// First reading: counts the headers that follow.
    Verdict count(const chain::NetworkDefinition& network, const chain::Versions& newest,
                  std::span<const chain::BlockHeader> headers, std::uint64_t now_ms,
                  consensus::Work work);
    bool has_enough() const { return walk_.work() > needed_; }
    /// Begins again at `from`.
    void read_again();
    /// Second reading: whether these follow and are what was counted. Steps onto them. Their work
    /// is for ActiveChain::accept_headers to judge, which is where they go.
    bool matches(const chain::NetworkDefinition& network, const chain::Versions& newest,
                 std::span<const chain::BlockHeader> headers, std::uint64_t now_ms);
    /// Whether the second reading has seen all that was counted.
    bool is_complete() const { return second_ && seen_ == bits_.size(); }

  private:
    bool bit_of(const Hash256& hash) const;

    const BlockNode* from_;
    std::uint64_t salt_;
    consensus::ChainWork needed_;
    HeaderWalk walk_;
    std::vector<bool> bits_;
    bool second_ = false;
    std::size_t seen_ = 0;
};

}  // namespace cairn::node
