#include "node/pending_verdicts.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/log.h"

namespace cairn::node {

void PendingVerdicts::add(const BlockNode* block,
                          std::shared_ptr<consensus::SecondOpinion> second) {
    CHECK(below(block) == nullptr);
    blocks_.push_back(block);
    if (is_asking()) return;
    asked_ = block;
    log_info("block {} at height {} looks invalid; the reference arithmetic is asked",
             short_hex(block->hash), block->height);
    offload(
        loop_, Lane::kReference, [second = std::move(second)] { return second->ask(); },
        alive_.guard([this](const consensus::SecondOpinion::Answer& answer) {
            const BlockNode* about = std::exchange(asked_, nullptr);
            release(about);
            on_answer_(about, answer);
        }));
}

const BlockNode* PendingVerdicts::below(const BlockNode* node) const {
    for (const BlockNode* block : blocks_)
        if (ancestor_at(node, block->height) == block) return block;
    return nullptr;
}

void PendingVerdicts::release(const BlockNode* block) {
    CHECK(block != asked_);
    std::erase(blocks_, block);
}

void PendingVerdicts::clear() {
    CHECK(!is_asking());
    blocks_.clear();
}

}  // namespace cairn::node
