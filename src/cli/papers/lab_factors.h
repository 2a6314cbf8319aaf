// `cairn lab fig5|low-rank-loss`: the energy that singular values of trained matrices keep (papers
// B: Figure 5), and what it says, and does not say, about the loss of the model whose matrices
// become factors.
#pragma once

#include "cli/papers/lab_pages.h"

namespace cairn::cli {

class Command;

void add_lab_factors(const Command& group, Invocation& invocation, LabPages& pages);

}  // namespace cairn::cli
