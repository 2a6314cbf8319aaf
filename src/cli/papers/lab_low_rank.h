// `cairn lab table2|table3|fig6|fig7|memory|ptotal`: what paper B says of low-rank weights and of
// reads, beside what its formulas give.
#pragma once

#include "cli/papers/lab_pages.h"

namespace cairn::cli {

class Command;

void add_lab_low_rank(const Command& group, Invocation& invocation, LabPages& pages);

}  // namespace cairn::cli
