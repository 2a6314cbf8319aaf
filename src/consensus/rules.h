// What differs between the versions of the rules (chain.md, section 12). Each version that this
// program knows is a value of Rules; the other files of this folder read there whatever is not the
// same in all of them, and never ask for a version's number. A new version is one more value in
// rules.cc, kRulesVersion (chain/versions.h) and a heading in chain.md.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "chain/block.h"
#include "consensus/rules_state.h"

namespace cairn::consensus {

/// Everything that stands here has the values of version 1.
struct Rules {
    std::uint16_t version = 1;
    /// C5: with m the mean norm, this * norm >= m ...
    std::uint32_t norm_least_divisor = 4;
    /// ... and norm <= this * m.
    std::uint32_t norm_most_factor = 2;

    /// The transition: makes of the state after the last block of the version before the one that
    /// the first block of this one is judged on. Null: the same.
    void (*enter)(const chain::NetworkDefinition& network, RulesState& state) = nullptr;
    /// What a valid block changes in this version's places, once all else is changed. Null:
    /// nothing.
    void (*keep_places)(const chain::NetworkDefinition& network, const chain::Block& block,
                        RulesState& state) = nullptr;
};

/// All that a program knows. Passed in, so that tests can run a program that knows a version beside
/// one that does not.
class RuleBook {
  public:
    /// `rules` are the versions 1, 2, ... without a gap (CHECKed).
    explicit RuleBook(std::vector<Rules> rules, std::uint16_t numerics = kNumericsVersion);

    /// Whoever knows a version knows all before it.
    chain::Versions newest() const;
    bool knows(const chain::Versions& versions) const { return versions.known_to(newest()); }
    /// The rules of a height; of a version that is not known the newest that is, by which nothing
    /// is judged: C1 holds such a block back.
    const Rules& rules_at(const chain::NetworkDefinition& network, std::uint32_t height) const;
    /// What the transition to the rules of `height` makes of the state after the block before;
    /// nullopt if that height brings no new version.
    std::optional<RulesState> entered(const chain::NetworkDefinition& network, std::uint32_t height,
                                      const RulesState& state) const;

  private:
    std::vector<Rules> rules_;
    std::uint16_t numerics_;
};

/// What this program knows.
const RuleBook& own_rule_book();

}  // namespace cairn::consensus
