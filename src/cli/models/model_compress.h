// `cairn model compress`: the options of the command whose work is run_model_compress()
// (model_command.h).
#pragma once

#include "cli/commands.h"

namespace cairn::cli {

void add_model_compress(CLI::App& group, Invocation& invocation);

}  // namespace cairn::cli
