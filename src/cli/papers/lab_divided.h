// `cairn lab divided`: what it costs to divide a layer over machines (papers B: section 4.3).
#pragma once

#include "cli/papers/lab_pages.h"

namespace cairn::cli {

class Command;

void add_lab_divided(const Command& group, Invocation& invocation, LabPages& pages);

}  // namespace cairn::cli
