// `cairn lab paper-chain`: the paper's own network by real nodes, beside one that merges
// everybody's updates.
#pragma once

#include "cli/papers/lab_pages.h"

namespace cairn::cli {

class Command;

void add_lab_paper_chain(const Command& group, Invocation& invocation, LabPages& pages);

}  // namespace cairn::cli
