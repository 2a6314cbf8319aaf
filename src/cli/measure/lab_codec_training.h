// `cairn lab codec-training`: whether a network learns by each codec, and what a round's payload
// takes.
#pragma once

#include "cli/papers/lab_pages.h"

namespace cairn::cli {

class Command;

void add_lab_codec_training(const Command& group, Invocation& invocation, LabPages& pages);

}  // namespace cairn::cli
