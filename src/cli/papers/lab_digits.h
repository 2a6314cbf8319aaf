// `cairn lab digit-loss|attention-proof`: paper B's attention by digits (Equations 20 to 22) as a
// session of serving computes it: what it costs a model's loss, and what proving it costs.
#pragma once

#include "cli/papers/lab_pages.h"

namespace cairn::cli {

class Command;

void add_lab_digits(const Command& group, Invocation& invocation, LabPages& pages);

}  // namespace cairn::cli
