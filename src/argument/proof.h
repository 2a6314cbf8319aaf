// A proof as bytes. Its length is fixed by the number of rows, but for the number of columns that
// are opened, since two queries may ask for the same. Format, in the canonical encoding:
//
//   u8 version = 1 | u16 rows | root[32] | rows * u64 row sum | 5216 * u32 multiplicity |
//   messages | two sums of rows | u8 count | count * (column, branch)
//
// Elements of Fp are u64 below the prime, elements of Fp2 two of them.
#pragma once

#include <cstdint>
#include <vector>

#include "argument/commitment.h"
#include "base/bytes.h"

namespace cairn::argument {

/// The largest proof, of 4096 rows, is shorter.
inline constexpr std::size_t kMaxProofBytes = std::size_t{4} << 20;

struct Proof {
    std::uint16_t rows = 0;
    Hash256 root;                               ///< of the commitment
    std::vector<std::uint64_t> row_sums;        ///< [rows]
    std::vector<std::uint32_t> multiplicities;  ///< [kTableEntries]
    std::vector<Fp2> messages;                  ///< all rounds, in the order of replay.h
    std::vector<Fp2> value_row, random_row;     ///< sums of the matrix's rows
    std::vector<OpenColumn> columns;            ///< at the queried places, ascending
};

/// The matrix of the columns of 4^log pairs: proofs are shortest with about 24 times as many
/// columns as rows.
MatrixShape matrix_shape(unsigned log);
/// How many elements are said in all rounds.
std::size_t message_elements(unsigned log);

/// Of a proof of so many rows, 1 to kMaxRows. One is shorter only by columns asked for twice.
std::size_t largest_proof_bytes(std::size_t rows);

Bytes encode(const Proof& proof);
Result<Proof> decode_proof(ByteView bytes);

}  // namespace cairn::argument
