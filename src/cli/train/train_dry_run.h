// `cairn train --dry-run`: measures what a run would cost on this machine, by taking a few of its
// real steps in memory and discarding them.
#pragma once

#include <iosfwd>

#include "cli/local_model.h"
#include "cli/train/train_start.h"
#include "console/interrupt.h"

namespace cairn::cli {

/// JSON: parameters, text_tokens, tokens_per_step, total_steps, epochs, state_bytes (of the saved
/// state), peak_memory_bytes, step_seconds, tokens_per_second, estimated_seconds.
Status dry_run(TrainStart& start, const Machine& machine, const console::Interrupt& interrupt,
               std::ostream& out);

}  // namespace cairn::cli
