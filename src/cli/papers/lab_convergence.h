// `cairn lab convergence|winner-floor|bias`: paper A's training on losses whose optimum is known.
#pragma once

#include "cli/commands.h"

namespace cairn::cli {

void add_lab_convergence(CLI::App& group, Invocation& invocation);

}  // namespace cairn::cli
