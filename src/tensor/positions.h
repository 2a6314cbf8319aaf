// Positions that are added to the embeddings: a table of rows, one per position, either learned
// (GPT-2, BERT) or sinusoidal (Vaswani et al. 2017). Segment ("token type") embeddings of BERT are
// the same thing with other row numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "tensor/compute.h"
#include "tensor/matrix.h"

namespace cairn::tensor {

/// Where sine and cosine of frequency i go in a row of C: columns 2i and 2i + 1 (papers B: Eq 1,
/// 2), or i and i + C/2.
enum class SinusoidLayout { kInterleaved, kHalves };

/// [positions, C]: sine and cosine of position * base^(-2i/C), in double, rounded once. C is even.
std::vector<float> sinusoidal_positions(std::size_t positions, std::size_t columns,
                                        SinusoidLayout layout = SinusoidLayout::kInterleaved,
                                        double base = 10000.0);

/// out[t] = first + t mod tokens: the positions of sequences of `tokens` rows each.
std::vector<std::uint32_t> consecutive_positions(std::size_t rows, std::size_t tokens,
                                                 std::size_t first = 0);

/// x[t] = x[t] + table[rows[t]]. table: [P, C]; x: [T, C]; every row number is below P.
void add_position_rows(const Compute& compute, ConstMatrix table,
                       std::span<const std::uint32_t> rows, Matrix x);

/// dtable[rows[t]] += dx[t] as embedding_backward_accumulate does it: per chunk of 256 tokens each
/// row's terms are added in ascending token order from +0, then the chunk's sums to dtable.
void position_rows_backward_accumulate(const Compute& compute, std::span<const std::uint32_t> rows,
                                       ConstMatrix dx, Matrix dtable);

}  // namespace cairn::tensor
