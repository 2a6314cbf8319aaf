// CONSENSUS: changing a result here splits the network.
#include "consensus/rules.h"

#include <algorithm>

#include "base/check.h"

namespace cairn::consensus {

RuleBook::RuleBook(std::vector<Rules> rules, std::uint16_t numerics)
    : rules_(std::move(rules)), numerics_(numerics) {
    CHECK(!rules_.empty());
    for (std::size_t i = 0; i < rules_.size(); ++i) CHECK(rules_[i].version == i + 1);
}

chain::Versions RuleBook::newest() const { return {numerics_, rules_.back().version}; }

const Rules& RuleBook::rules_at(const chain::NetworkDefinition& network,
                                std::uint32_t height) const {
    const std::size_t version = network.versions_at(height).rules;
    return rules_[std::min(version, rules_.size()) - 1];
}

std::optional<RulesState> RuleBook::entered(const chain::NetworkDefinition& network,
                                            std::uint32_t height, const RulesState& state) const {
    CHECK(height > 0);
    const std::uint16_t before = rules_at(network, height - 1).version;
    const std::uint16_t now = rules_at(network, height).version;
    if (now == before) return std::nullopt;
    RulesState next = state;
    for (std::size_t i = before; i < now; ++i)
        if (rules_[i].enter != nullptr) rules_[i].enter(network, next);
    return next;
}

const RuleBook& own_rule_book() {
    static const RuleBook book({Rules{}});
    static const bool complete = book.newest() == chain::Versions{};
    CHECK(complete);
    return book;
}

}  // namespace cairn::consensus
