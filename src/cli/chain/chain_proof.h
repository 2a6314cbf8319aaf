// `cairn chain prove` and `cairn chain check-proof`: inclusion proofs (proof/inclusion.h).
#pragma once

#include "cli/commands.h"

namespace cairn::cli {

class Command;

void add_chain_proofs(const Command& chain, Invocation& invocation);

}  // namespace cairn::cli
