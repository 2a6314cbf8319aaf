// `cairn model compress`: the options of the command whose work is run_model_compress()
// (model_command.h).
#pragma once

#include "cli/commands.h"

namespace cairn::cli {

class Command;

void add_model_compress(const Command& group, Invocation& invocation);

}  // namespace cairn::cli
