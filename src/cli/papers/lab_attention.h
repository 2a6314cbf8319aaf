// `cairn lab attention|softmax|lookup`: paper A's attention loss with its derivatives and bounds;
// paper B's softmax by digits and the lookup argument behind it.
#pragma once

#include "cli/papers/lab_pages.h"

namespace cairn::cli {

void add_lab_attention(CLI::App& group, Invocation& invocation, LabPages& pages);

}  // namespace cairn::cli
