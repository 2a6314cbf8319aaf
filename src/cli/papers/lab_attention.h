// `cairn lab attention|softmax|lookup`: paper A's attention loss with its derivatives and bounds;
// paper B's softmax by digits and the lookup argument behind it.
#pragma once

#include "cli/papers/lab_pages.h"

namespace cairn::cli {

class Command;

void add_lab_attention(const Command& group, Invocation& invocation, LabPages& pages);

}  // namespace cairn::cli
