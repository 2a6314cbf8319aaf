// Which rank: by a number, by kept energy (papers B: Eq 12, without all singular values), by
// compression ratio (papers B: Eq 15), or for a whole model by its bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <variant>
#include <vector>

#include "lowrank/svd.h"

namespace cairn::lowrank {

struct ByRank {
    std::size_t rank = 0;
};
struct ByEnergy {
    double energy = 0;  ///< 0 < e <= 1
};
struct ByRatio {
    double ratio = 0;  ///< 0 < ratio < 1
};
struct ByBytes {
    std::uint64_t bytes = 0;  ///< of all weights of the model
};
using RankRule = std::variant<ByRank, ByEnergy, ByRatio, ByBytes>;

/// The largest rank at which a matrix [m, n] is smaller as factors; the paper's Equation 10 counts
/// the singular values too, which here are part of the factors.
std::size_t most_useful_rank(std::size_t m, std::size_t n);

/// papers B: Eq 15, rounded down, at least 1 and at most min(m, n).
std::size_t rank_of_ratio(std::size_t m, std::size_t n, double ratio);

/// papers B: Eq 12: the decomposition with the least rank that keeps `energy` of W, or none if that
/// rank is above `most`. All singular values are not needed, as their squares' sum is |W|^2: ranks
/// grow by half until what was found is enough.
Svd svd_of_energy(const tensor::Compute& compute, tensor::ConstMatrix w, double energy,
                  std::size_t most, const SvdOptions& options);

/// One matrix (or all heads of one) that shares a budget.
struct Candidate {
    std::vector<double> kept;       ///< kept[k]: energy (0 to 1) at rank k; kept[0] is 0
    std::uint64_t rank_bytes = 0;   ///< what one rank more costs
    std::uint64_t whole_bytes = 0;  ///< what it costs whole, with all its energy
};

/// For each candidate its rank, 0: whole. The sum of bytes is at most `budget`, and the product of
/// the energies (papers B: Eq 13) is as large as steps of the best gain a byte make it. The gain of
/// a rank falls as ranks grow, so among ranks each step is the best there is; the last one, to the
/// whole matrix, gains more than those before it, and is taken only once its turn comes. Nothing if
/// even rank 1 for all is too much.
std::vector<std::size_t> share_budget(std::span<const Candidate> candidates, std::uint64_t budget);

}  // namespace cairn::lowrank
