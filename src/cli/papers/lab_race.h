// `cairn lab race|winner`: overtaking and winning by hash power, beside the exact odds.
#pragma once

#include "cli/commands.h"

namespace cairn::cli {

void add_lab_race(CLI::App& group, Invocation& invocation);

}  // namespace cairn::cli
