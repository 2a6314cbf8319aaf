// What svd.h computes, plainly: the same steps in double precision, one number after the other, and
// a one-sided Jacobi rotation for whole decompositions. Slow and short; tests hold the fast one
// against it.
#pragma once

#include <vector>

#include "lowrank/svd.h"

namespace cairn::lowrank {

/// All min(m, n) singular values and vectors, as low_rank_svd() orders them.
Svd whole_svd_reference(tensor::ConstMatrix w);

/// The randomised one of low_rank_svd(), with random numbers of its own: the same subspace up to
/// chance, not the same bits.
Svd low_rank_svd_reference(tensor::ConstMatrix w, const SvdOptions& options);

}  // namespace cairn::lowrank
