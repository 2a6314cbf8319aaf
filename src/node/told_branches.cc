#include "node/told_branches.h"

#include <algorithm>

namespace cairn::node {
namespace {

bool stands_on(const BlockNode* node, const BlockNode* below) {
    return ancestor_at(node, below->height) == below;
}

}  // namespace

void ToldBranches::add(const BlockNode* last) {
    const auto has_it = [last](const BlockNode* tip) { return stands_on(tip, last); };
    if (std::ranges::any_of(tips_, has_it)) return;
    std::erase_if(tips_, [last](const BlockNode* tip) { return stands_on(last, tip); });
    const auto less = [last](const BlockNode* tip) { return !(tip->work > last->work); };
    tips_.insert(std::ranges::find_if(tips_, less), last);
    if (tips_.size() > kMax) tips_.pop_back();
}

void ToldBranches::remove(const BlockNode* lacking) {
    std::erase_if(tips_, [lacking](const BlockNode* tip) { return stands_on(tip, lacking); });
}

bool ToldBranches::drop_invalid() {
    const auto dropped = std::erase_if(tips_, [](const BlockNode* tip) { return tip->invalid; });
    return dropped > 0 && tips_.empty();
}

}  // namespace cairn::node
