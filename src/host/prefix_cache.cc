#include "host/prefix_cache.h"

#include <algorithm>

namespace cairn::host {

bool PrefixMemory::forget_one(std::uint64_t use) {
    PrefixCache* oldest = nullptr;
    for (PrefixCache* cache : caches_)
        if (oldest == nullptr || cache->oldest_use() < oldest->oldest_use()) oldest = cache;
    if (oldest == nullptr || oldest->oldest_use() >= use) return false;
    oldest->forget_oldest();
    return true;
}

bool PrefixMemory::take(std::uint64_t bytes, std::uint64_t use) {
    if (bytes > limit_bytes_) return false;
    while (budget_.prefix + bytes > limit_bytes_ || budget_.free() < bytes)
        if (!forget_one(use)) return false;
    budget_.prefix += bytes;
    return true;
}

PrefixCache::PrefixCache(const model::ModelConfig& config, model::KvType type, PrefixMemory& memory)
    : block_bytes_(model::kv_cache_bytes(config, model::all_layers(config), kBlock, type)),
      memory_(memory) {}

PrefixCache::~PrefixCache() { memory_.give_back(blocks_.size() * block_bytes_); }

// Leaves in path_ the known blocks that `tokens` begin with.
void PrefixCache::walk(std::span<const std::uint32_t> tokens) {
    path_.clear();
    Key key;
    for (std::size_t at = 0; at + kBlock <= tokens.size(); at += kBlock) {
        std::ranges::copy(tokens.subspan(at, kBlock), key.tokens.begin());
        const auto found = blocks_.find(key);
        if (found == blocks_.end()) return;
        path_.push_back(found);
        key.parent = found->second.number;
    }
}

// The last block first, so that every block was used later than those behind it and the one used
// longest ago has none behind it.
void PrefixCache::use_path() {
    for (auto at = path_.rbegin(); at != path_.rend(); ++at) {
        Block& block = (*at)->second;
        block.used = memory_.next_use();
        order_.splice(order_.begin(), order_, block.place);
    }
}

std::size_t PrefixCache::find(std::span<const std::uint32_t> tokens) {
    walk(tokens);
    use_path();
    return path_.size() * kBlock;
}

bool PrefixCache::fill(std::span<const std::uint32_t> tokens, model::KvCache& cache) {
    const std::size_t end = cache.length() + kBlock;
    CHECK(cache.length() % kBlock == 0 && end <= tokens.size());
    walk(tokens.first(end));
    if (path_.size() * kBlock < end) return false;
    cache.append_rows(kBlock, {path_.back()->second.rows.get(), block_bytes_});
    return true;
}

void PrefixCache::remember(std::span<const std::uint32_t> tokens, const model::KvCache& cache) {
    CHECK(!tokens.empty() && tokens.size() % kBlock == 0 && tokens.size() <= cache.length());
    walk(tokens);
    const std::uint64_t use = memory_.next_use();
    use_path();
    const std::size_t before = tokens.size() - kBlock;
    if (path_.size() * kBlock != before) return;  // it is known, or something is missing
    if (!memory_.take(block_bytes_, use)) return;
    Key key;
    std::ranges::copy(tokens.subspan(before), key.tokens.begin());
    if (!path_.empty()) key.parent = path_.back()->second.number;
    Block block;
    block.number = ++last_number_;
    block.rows = std::make_unique_for_overwrite<std::uint8_t[]>(block_bytes_);
    cache.copy_rows(before, kBlock, {block.rows.get(), block_bytes_});
    const auto added = blocks_.emplace(key, std::move(block)).first;
    added->second.place = order_.insert(order_.begin(), added);
    path_.push_back(added);
    use_path();
}

std::uint64_t PrefixCache::oldest_use() const {
    return order_.empty() ? ~std::uint64_t{0} : order_.back()->second.used;
}

void PrefixCache::forget_oldest() {
    CHECK(!order_.empty());
    blocks_.erase(order_.back());
    order_.pop_back();
    memory_.give_back(block_bytes_);
}

}  // namespace cairn::host
