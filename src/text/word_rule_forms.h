// How a tokenizer.json spells the rules of cutting text: the steps of its "pre_tokenizer". A rule
// may have several spellings; the first one is written.
#pragma once

#include <optional>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "text/word_rules.h"

namespace cairn::text {

/// The rule of steps that end in, or contain, a ByteLevel; nothing if they are no known one.
std::optional<WordRule> word_rule_of_steps(const std::vector<nlohmann::json>& steps);
/// The steps of a rule, ByteLevel included.
std::vector<nlohmann::json> steps_of_word_rule(WordRule rule);

}  // namespace cairn::text
