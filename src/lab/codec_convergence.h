// Federated training of quadratics (papers/convergence.h) in which every update is a payload of one
// of the chain's codecs, with a seed of its own (papers A: Theorem 15).
#pragma once

#include "base/random.h"
#include "base/result.h"
#include "chain/codec_spec.h"
#include "papers/convergence.h"

namespace cairn::lab {

/// f(x_T) - f* after a run from 0, of users with a codec tile's 4096 parameters; all users' updates
/// averaged, or one winner's a round, drawn evenly. run.sketch is not read.
Result<double> gap_by_codec(const papers::QuadraticUsers& users, const papers::Landscape& land,
                            const papers::FederatedRun& run, const chain::CodecSpec& codec,
                            Random& random);

}  // namespace cairn::lab
