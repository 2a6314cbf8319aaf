// `cairn lab race|winner`: overtaking and winning by hash power, beside the exact odds.
#pragma once

#include "cli/papers/lab_pages.h"

namespace cairn::cli {

class Command;

void add_lab_race(const Command& group, Invocation& invocation, LabPages& pages);

}  // namespace cairn::cli
