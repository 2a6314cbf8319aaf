// `cairn lab convergence|winner-floor|bias`: paper A's training on losses whose optimum is known.
#pragma once

#include "cli/papers/lab_pages.h"

namespace cairn::cli {

class Command;

void add_lab_convergence(const Command& group, Invocation& invocation, LabPages& pages);

}  // namespace cairn::cli
