// `cairn lab codecs` and `cairn lab one-bit`: what the codecs of the chain do on average, by their
// own code.
#pragma once

#include "cli/papers/lab_pages.h"

namespace cairn::cli {

class Command;

void add_lab_codecs(const Command& group, Invocation& invocation, LabPages& pages);

}  // namespace cairn::cli
