// `cairn lab attention-proof`: what it costs to prove attention by digits and to check the proof
// (room `argument`), beside computing it again; and what becomes of cheats.
#pragma once

#include <string>
#include <vector>

#include "argument/argument.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"

namespace cairn::lab {

/// A head with numbers drawn at random, their scores as wide as those of real heads.
argument::Statement drawn_head(std::uint32_t rows, std::uint32_t head_dim, Random& random);

/// Seconds on one thread, the least of some runs; bytes.
struct AttentionProofCost {
    double computed = 0;  ///< the head again, by the fastest kernel of this machine
    double proved = 0;
    double checked = 0;          ///< by one Verifier
    std::vector<double> shares;  ///< for 1, 2, 4 Verifiers: the slowest one's share
    double combined = 0;         ///< of the largest number of shares
    std::uint64_t proof_bytes = 0;
    std::uint64_t digit_bytes = 0;  ///< of all shift - score in the clear, 6 bytes each
    bool accepted = false;          ///< by each number of Verifiers
};

inline constexpr std::size_t kProofVerifiers[] = {1, 2, 4};

Result<AttentionProofCost> measure_attention_proof(const argument::Statement& statement,
                                                   const Clock& clock);

/// What a Server claims or shows instead of the truth, and what a Verifier says to it.
struct AttentionCheat {
    std::string cheat;
    bool refused = false;
    std::string verdict;
};

/// Cheats on one head of at least 4 rows: wrong outputs and shifts, and proofs with a wrong digit,
/// entry or sum.
Result<std::vector<AttentionCheat>> play_attention_cheats(const argument::Statement& truth);

}  // namespace cairn::lab
