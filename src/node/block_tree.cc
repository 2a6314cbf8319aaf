#include "node/block_tree.h"

#include <algorithm>

#include "consensus/fork_choice.h"

namespace cairn::node {

const BlockNode* step_down(const BlockNode* node, std::uint32_t height) {
    return node->jump->height >= height ? node->jump : node->parent;
}

const BlockNode* ancestor_at(const BlockNode* node, std::uint32_t height) {
    if (!node || node->height < height) return nullptr;
    while (node->height > height) node = step_down(node, height);
    return node;
}

const BlockNode* common_ancestor(const BlockNode* a, const BlockNode* b) {
    const std::uint32_t height = std::min(a->height, b->height);
    a = ancestor_at(a, height);
    b = ancestor_at(b, height);
    while (a != b) {
        const bool far = a->jump != b->jump;  // then they meet below both
        a = far ? a->jump : a->parent;
        b = far ? b->jump : b->parent;
    }
    return a;
}

std::vector<const BlockNode*> path(const BlockNode* from, const BlockNode* to) {
    std::vector<const BlockNode*> nodes;
    for (; to != from; to = to->parent) {
        CHECK(to != nullptr);
        nodes.push_back(to);
    }
    std::reverse(nodes.begin(), nodes.end());
    return nodes;
}

consensus::HeaderContext context_after(const BlockNode* parent) {
    consensus::HeaderContext context;
    context.height = parent->height + 1;
    context.parent = parent->header;
    if (parent->parent) context.grandparent_time_ms = parent->parent->header.time_ms;
    return context;
}

bool BlockTree::Better::operator()(const BlockNode* a, const BlockNode* b) const {
    return consensus::is_better({a->work, a->seen_order}, {b->work, b->seen_order});
}

BlockTree::BlockTree(const chain::Block& genesis) {
    auto node = std::make_unique<BlockNode>();
    node->hash = chain::block_hash(genesis.header);
    node->header = genesis.header;
    node->has_body = node->has_path = node->connected = true;
    genesis_ = node.get();
    genesis_->jump = genesis_;
    best_header_ = genesis_;
    candidates_.insert(genesis_);
    nodes_.emplace(genesis_->hash, std::move(node));
    in_order_.push_back(genesis_);
}

BlockNode* BlockTree::find(const Hash256& hash) const {
    const auto found = nodes_.find(hash);
    return found == nodes_.end() ? nullptr : found->second.get();
}

BlockNode* BlockTree::add(const chain::BlockHeader& header) {
    const Hash256 hash = chain::block_hash(header);
    if (BlockNode* known = find(hash)) return known;
    BlockNode* parent = find(header.previous);
    CHECK(parent != nullptr);
    auto owned = std::make_unique<BlockNode>();
    BlockNode* node = owned.get();
    node->hash = hash;
    node->header = header;
    node->parent = parent;
    node->height = parent->height + 1;
    const BlockNode* first = parent->jump;
    const bool same = parent->height - first->height == first->height - first->jump->height;
    node->jump = same ? first->jump : parent;
    node->work = consensus::add_work(parent->work, header.target);
    node->seen_order = in_order_.size();
    in_order_.push_back(node);
    node->invalid = parent->invalid;
    node->reason = parent->reason;
    parent->children.push_back(node);
    nodes_.emplace(hash, std::move(owned));
    if (!node->invalid && node->work > best_header_->work) best_header_ = node;
    return node;
}

void BlockTree::set_body(BlockNode* node) {
    node->has_body = true;
    if (node->parent == nullptr || find(node->parent->hash)->has_path) spread_path(node);
}

void BlockTree::spread_path(BlockNode* node) {
    std::vector<BlockNode*> todo{node};
    while (!todo.empty()) {
        BlockNode* next = todo.back();
        todo.pop_back();
        if (!next->has_body || next->has_path) continue;
        next->has_path = true;
        if (!next->invalid) candidates_.insert(next);
        todo.insert(todo.end(), next->children.begin(), next->children.end());
    }
}

void BlockTree::drop_path(BlockNode* node) {
    std::vector<BlockNode*> todo{node};
    while (!todo.empty()) {
        BlockNode* next = todo.back();
        todo.pop_back();
        candidates_.erase(next);
        next->has_path = false;
        todo.insert(todo.end(), next->children.begin(), next->children.end());
    }
}

void BlockTree::lose_body(BlockNode* node) {
    if (node == genesis_) return;
    node->has_body = false;
    drop_path(node);
}

void BlockTree::set_invalid(BlockNode* node, const std::string& reason) {
    CHECK(node != genesis_);
    std::vector<BlockNode*> todo{node};
    while (!todo.empty()) {
        BlockNode* next = todo.back();
        todo.pop_back();
        candidates_.erase(next);
        next->invalid = true;
        next->reason = reason;
        todo.insert(todo.end(), next->children.begin(), next->children.end());
    }
    if (!best_header_->invalid) return;
    best_header_ = genesis_;
    for (const auto& [hash, other] : nodes_) {
        if (other->invalid) continue;
        if (Better{}(other.get(), best_header_)) best_header_ = other.get();
    }
}

BlockNode* BlockTree::best_candidate() const { return *candidates_.begin(); }

const BlockNode* BlockTree::best_candidate(
    const std::function<bool(const BlockNode*)>& takes) const {
    const auto found = std::ranges::find_if(candidates_, takes);
    return found == candidates_.end() ? nullptr : *found;
}

std::vector<Hash256> BlockTree::locator(const BlockNode* tip) const {
    std::vector<Hash256> hashes;
    std::uint32_t step = 1;
    for (const BlockNode* node = tip; node != genesis_;) {
        hashes.push_back(node->hash);
        if (hashes.size() >= 10) step *= 2;
        node = ancestor_at(node, node->height - std::min(node->height, step));
    }
    hashes.push_back(genesis_->hash);
    return hashes;
}

}  // namespace cairn::node
