// PrefixCache: keys and values of texts' beginnings that a model has computed, so that they are
// computed once however many requests begin alike: a system message, a conversation so far.
//
// A tree of blocks of kBlock tokens. A block's key is the block before it and its own tokens, so a
// block stands for all the text up to its end, and equal beginnings share their blocks. A block
// holds the exact rows of the cache that they were computed in, so a text that begins with them
// gets the bits that it would have got without. All models' blocks share one memory (PrefixMemory);
// the least recently used go first, and never one before those behind it.
//
// Only the serving thread touches either.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "host/memory_budget.h"
#include "model/kv_cache.h"

namespace cairn::host {

class PrefixCache;

class PrefixMemory {
  public:
    /// `limit_bytes` of prefixes, within the budget. 0: none are kept.
    PrefixMemory(MemoryBudget& budget, std::uint64_t limit_bytes)
        : budget_(budget), limit_bytes_(limit_bytes) {}

    bool keeps_any() const { return limit_bytes_ > 0; }
    /// Takes bytes, if blocks that were used before `use` can make room for them.
    bool take(std::uint64_t bytes, std::uint64_t use);
    /// Forgets one block; false if there is none that was used before `use`.
    bool forget_one(std::uint64_t use = ~std::uint64_t{0});
    void give_back(std::uint64_t bytes) { budget_.prefix -= bytes; }
    std::uint64_t next_use() { return ++uses_; }

    /// A cache whose blocks count; it leaves before it ends.
    void add(PrefixCache& cache) { caches_.push_back(&cache); }
    void remove(PrefixCache& cache) { std::erase(caches_, &cache); }

  private:
    MemoryBudget& budget_;
    std::uint64_t limit_bytes_;
    std::uint64_t uses_ = 0;
    std::vector<PrefixCache*> caches_;
};

class PrefixCache {
  public:
    static constexpr std::size_t kBlock = 32;  ///< tokens

    PrefixCache(const model::ModelConfig& config, model::KvType type, PrefixMemory& memory);
    ~PrefixCache();
    PrefixCache(const PrefixCache&) = delete;
    PrefixCache& operator=(const PrefixCache&) = delete;

    std::uint64_t block_bytes() const { return block_bytes_; }
    /// How many of the first tokens are known, in whole blocks; they count as used now.
    std::size_t find(std::span<const std::uint32_t> tokens);
    /// Fills the cache with the next block of `tokens`, from cache.length() on; false if it is not
    /// known any more. cache.length() is a multiple of kBlock.
    bool fill(std::span<const std::uint32_t> tokens, model::KvCache& cache);
    /// Keeps the last block of `tokens`, whole blocks that `cache` begins with, if those before it
    /// are known and there is room.
    void remember(std::span<const std::uint32_t> tokens, const model::KvCache& cache);

    /// When its least recently used block was used; the largest number if it has none.
    std::uint64_t oldest_use() const;
    void forget_oldest();

  private:
    struct Key {
        std::uint64_t parent = 0;  // a block's number, 0: none
        std::array<std::uint32_t, kBlock> tokens{};
        auto operator<=>(const Key&) const = default;
    };
    struct Block;
    using Blocks = std::map<Key, Block>;
    struct Block {
        std::uint64_t number = 0;
        std::uint64_t used = 0;
        std::unique_ptr<std::uint8_t[]> rows;
        std::list<Blocks::iterator>::iterator place{};  // in order_
    };

    void walk(std::span<const std::uint32_t> tokens);
    void use_path();

    std::uint64_t block_bytes_;
    PrefixMemory& memory_;
    std::uint64_t last_number_ = 0;
    Blocks blocks_;
    std::list<Blocks::iterator> order_;   // most recently used first; children behind parents
    std::vector<Blocks::iterator> path_;  // of the walk under way
};

}  // namespace cairn::host
