// `cairn lab sketches`: papers A: Table 1, with what each sketch does on average.
#pragma once

#include "cli/commands.h"

namespace cairn::cli {

void add_lab_sketches(CLI::App& group, Invocation& invocation);

}  // namespace cairn::cli
