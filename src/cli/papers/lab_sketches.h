// `cairn lab sketches`: papers A: Table 1, with what each sketch does on average.
#pragma once

#include "cli/papers/lab_pages.h"

namespace cairn::cli {

class Command;

void add_lab_sketches(const Command& group, Invocation& invocation, LabPages& pages);

}  // namespace cairn::cli
