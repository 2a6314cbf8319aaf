// Rules as later versions might have them, for tests of upgrades: a rule that differs, a place of
// the rules state, and transitions. Only for tests.
#pragma once

#include "base/encoding.h"
#include "consensus/rules.h"

namespace cairn::consensus {

inline constexpr PlaceId kTestPlace = 7;

/// The number in the test's place; nullopt where the place does not exist.
inline std::optional<std::uint32_t> test_number(const RulesState& state) {
    const Bytes* place = state.place(kTestPlace);
    if (place == nullptr) return std::nullopt;
    Reader reader(*place);
    return reader.u32();
}
inline void set_test_number(RulesState& state, std::uint32_t number) {
    Writer writer;
    writer.u32(number);
    state.set_place(kTestPlace, std::move(writer).take());
}

/// Allows norms up to three times the mean, and counts its blocks in a place, from 100 times the
/// number of recorded rounds on.
inline Rules test_rules_2() {
    Rules rules;
    rules.version = 2;
    rules.norm_most_factor = 3;
    rules.enter = [](const chain::NetworkDefinition&, RulesState& state) {
        set_test_number(state, static_cast<std::uint32_t>(100 * state.recent_rounds().size()));
    };
    rules.keep_places = [](const chain::NetworkDefinition&, const chain::Block&,
                           RulesState& state) {
        set_test_number(state, test_number(state).value() + 1);
    };
    return rules;
}

/// As version 2, but its transition complements the number bit by bit, so it has to come after that
/// of version 2.
inline Rules test_rules_3() {
    Rules rules = test_rules_2();
    rules.version = 3;
    rules.enter = [](const chain::NetworkDefinition&, RulesState& state) {
        set_test_number(state, ~test_number(state).value());
    };
    return rules;
}

/// A program that knows more than this one.
inline const RuleBook& later_rule_book() {
    static const RuleBook book({Rules{}, test_rules_2(), test_rules_3()});
    return book;
}

}  // namespace cairn::consensus
