// The two halves of a Verifier's work as argument.h has them, for whoever has heard the proof again
// already.
#pragma once

#include "argument/argument.h"
#include "argument/replay.h"

namespace cairn::argument {

SharePart check_share(const Statement& statement, const Proof& proof, const Replay& replay,
                      std::size_t share, std::size_t shares);
/// Of parts that fit each other, without faults.
Verdict combine(const Proof& proof, const Replay& replay, std::span<const SharePart> parts);

}  // namespace cairn::argument
