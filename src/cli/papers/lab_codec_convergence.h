// `cairn lab codec-convergence`: papers A: Theorem 15 with payloads of the chain's own codecs.
#pragma once

#include "cli/papers/lab_pages.h"

namespace cairn::cli {

class Command;

void add_lab_codec_convergence(const Command& group, Invocation& invocation, LabPages& pages);

}  // namespace cairn::cli
