// `cairn lab sketches`: papers A: Table 1, with what each sketch does on average.
#pragma once

#include "cli/papers/lab_pages.h"

namespace cairn::cli {

void add_lab_sketches(CLI::App& group, Invocation& invocation, LabPages& pages);

}  // namespace cairn::cli
