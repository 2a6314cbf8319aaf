// The options of `cairn train`, and what their values must be, by name and before any work.
#pragma once

#include "cli/train/train_command.h"

namespace cairn::cli {

class Command;

/// All options; the memory behind `request` must outlive parsing.
void add_train_options(const Command& command, TrainRequest& request);
/// After parsing: the defaults that depend on what was given.
void settle_defaults(const Command& command, TrainRequest& request);

/// The shape of a fresh language model of that vocabulary, not yet validated.
model::ModelConfig fresh_config(const TrainRequest& request, std::uint32_t vocab);

/// kMisused, naming the option, for what is missing, out of range or contradicts another.
Status check_request(const TrainRequest& request);

}  // namespace cairn::cli
