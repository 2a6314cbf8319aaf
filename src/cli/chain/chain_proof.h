// `cairn chain prove` and `cairn chain check-proof`: inclusion proofs (proof/inclusion.h).
#pragma once

#include "cli/commands.h"

namespace cairn::cli {

void add_chain_proofs(CLI::App& chain, Invocation& invocation);

}  // namespace cairn::cli
