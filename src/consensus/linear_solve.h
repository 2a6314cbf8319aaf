// Systems of linear equations that rules solve: small, in doubles, in one fixed order of operations
// that each round once, so that every machine gets the same bits.
#pragma once

#include <vector>

namespace cairn::consensus {

using Row = std::vector<double>;

/// x of A x = b for a symmetric A of n rows: Gaussian elimination in the given order, without
/// exchange of rows. An unknown whose pivot is not above 0 when its turn comes is left out: it is
/// 0, and the others are solved for without it. CHECKs the sizes.
Row solve(std::vector<Row> matrix, Row right);

}  // namespace cairn::consensus
