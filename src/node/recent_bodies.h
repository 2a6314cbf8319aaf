// RecentBodies: the latest blocks as bytes, for peers that ask right after an announcement, so that
// none of these questions goes to the disk. Bounded in blocks and in bytes: a network may allow
// blocks of many megabytes.
#pragma once

#include <list>
#include <memory>

#include "base/bytes.h"

namespace cairn::node {

class RecentBodies {
  public:
    using Body = std::shared_ptr<const Bytes>;

    /// The newest is kept whatever its size.
    RecentBodies(std::size_t max_blocks, std::size_t max_bytes)
        : max_blocks_(max_blocks), max_bytes_(max_bytes) {}

    void add(const Hash256& block, Body body);
    /// Null if it is not here.
    Body find(const Hash256& block) const;
    void remove(const Hash256& block);
    std::size_t size() const { return bodies_.size(); }
    std::size_t bytes() const { return bytes_; }

  private:
    std::size_t max_blocks_;
    std::size_t max_bytes_;
    std::size_t bytes_ = 0;
    std::list<std::pair<Hash256, Body>> bodies_;  // the newest first
};

}  // namespace cairn::node
