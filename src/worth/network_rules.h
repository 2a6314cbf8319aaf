// The network definition as the types of the libraries that compute: model shape, judge and
// training recipe.
//
// CONSENSUS: changing a result here (but the recipe's) splits the network.
#pragma once

#include <span>

#include "chain/network.h"
#include "model/config.h"
#include "train/recipe.h"
#include "worth/judge.h"

namespace cairn::worth {

model::ModelConfig model_config(const chain::NetworkDefinition& network);
JudgeRules judge_rules(const chain::NetworkDefinition& network);

/// What trainers should do; the schedule counts steps, K = local_steps a round.
train::Recipe train_recipe(const chain::NetworkDefinition& network);

/// The hash that names a text of token ids: judge_hash and report_hash of a network definition.
Hash256 token_text_hash(std::span<const std::uint32_t> tokens);

}  // namespace cairn::worth
