// Proofs that the outputs claimed for one head are those of attention by digits (N49; papers B: Eq
// 18 to 22, with the lookups of zkLLM). A Verifier who has the head's fixed-point queries, keys and
// values reads them once and the proof once, instead of computing all pairs of queries and keys,
// and several Verifiers divide even that. Nothing is hidden from them.
//
//   auto proof = prove(statement);             // the Server, once
//   Verdict v = verify(statement, *proof);     // a Verifier
//   auto part = check_share(statement, *proof, k, 4);   // or four of them, k = 0 ... 3,
//   Verdict v = combine(statement.sizes, statement_hash(statement), *proof, parts);
//
// How sure it is. Challenges are drawn from a field of 2^122 elements (fp.h). A cheat that does not
// break SHA-256 and has one try gets through with probability below 2^-65:
//
//   columns     (5/8)^96                2^-65.1   96 queried columns (commitment.h)
//   lookups     2 (4^log + 2^12)/2^122  2^-97.0   of at most 2^24 pairs: the degree in beta
//   nearness    4 * 2^16 / 2^122        2^-104    the rows' random weights (commitment.h)
//   fractions   1104 / 2^122            2^-111.8  24 layers, 5 trees, degree 3 (fractions.h)
//   outputs     153 / 2^122             2^-114.7  24 rounds of degree 6 (weighing.h)
//   points      < 160 / 2^122           2^-114.6  of rows, width, columns; theta at 96 places
//
// Nobody asks the questions but a hash (transcript.h), so a cheat can try again, and expects to
// hash 2^64 times; each try changes a message and has all behind it to compute anew. That such
// proofs are sound is proved for hashes that are random functions.
//
// What is proved: that every weight is the product of table entries of the digits of shift - score,
// that the outputs are the sums of weights times values, and that a row's weights sum to 2^30
// within 2^20 + 2^11 * keys (statement.h). What is not: which of the shifts within that tolerance
// is N49's. A Server can so change an output by up to a part of 2^-8 + 2^-16 * keys of the largest
// value that its row sees: by scaling it, and by whether keys count whose weights are below 2^12 of
// 2^30. Whether a row is right to the bit is decided by replay (audit). Nor does it say where
// queries, keys and values come from.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "argument/fp.h"
#include "argument/statement.h"
#include "base/bytes.h"
#include "base/verdict.h"
#include "tensor/digits.h"

namespace cairn::argument {

/// kInvalid for a statement that is not true or out of bounds. Takes about 700 bytes of memory for
/// each pair of padded rows: 3 GB for 2048 rows, 12 GB for 4096.
Result<Bytes> prove(const Statement& statement);

/// All of it, alone.
Verdict verify(const Statement& statement, ByteView proof);

/// What one Verifier of several found. Sums run over its run of the rows, or of the tables'
/// entries. All parts are determined by statement and proof: whoever doubts one computes it again.
struct SharePart {
    std::size_t share = 0, shares = 1;
    Hash256 statement;   ///< what the Verifier read (statement_hash)
    Hash256 proof;       ///< and what it was shown: the SHA-256 of the proof
    std::string fault;   ///< what is wrong already; else empty. Then all that follows is 0
    Fp2 row_sums, sums;  ///< the rows' claimed sums of weights, and outputs, at the row point
    Fp2 values;          ///< at the last point, as are all that follow
    Fp2 shifts, seen;
    std::vector<Fp2> queries, keys;                ///< [head_dim]
    std::array<Fp2, tensor::kDigitCount> lookups;  ///< of each table, the sum over its entries
};

/// So many Verifiers may divide a proof.
inline constexpr std::size_t kMaxShares = 4096;

/// Share `share` of `shares`, whose work is a part of verify()'s but for reading statement and
/// proof once. CHECKs share < shares <= kMaxShares.
SharePart check_share(const Statement& statement, ByteView proof, std::size_t share,
                      std::size_t shares);

/// The verdict of all shares together on the statement of this hash: verify()'s, if each part is
/// what its share gives. It is undecided for parts that do not belong together, or to this
/// statement and these bytes. Only Verifiers who know a proof to be wrong and invent a part that
/// makes up for it can get it through, and one who invents any part makes a right proof fail. So
/// parts of strangers should be asked of two.
Verdict combine(const Sizes& sizes, const Hash256& statement, ByteView proof,
                std::span<const SharePart> parts);

}  // namespace cairn::argument
