// The inner loops of the sketches of one tile, compiled once per instruction set from one body
// (srht_body.h). All of it is integer arithmetic, so the variants agree by construction; a test
// compares them anyway.
//
// W is the unnormalised Walsh-Hadamard matrix of order 4096 with the two halves of its column index
// exchanged: W[i][j] = (-1)^popcount(i & swap(j)), swap exchanging the low and high six bits. It is
// symmetric, W W = 4096 I, and it needs butterflies over long strides only (a stage, a 64 x 64
// transposition, the same stage again), which suits any vector unit. The order of rows does not
// matter to a sketch that draws its rows at random.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/compute.h"

namespace cairn::codec {

struct SrhtKernels {
    /// out[4 * blocks] = tensor::philox(seed, stream, first + 0 .. blocks - 1), blocks % 16 == 0.
    void (*random_words)(std::uint64_t seed, std::uint64_t stream, std::uint64_t first,
                         std::uint32_t* out, std::size_t blocks);
    /// x[4096] = W x, in place; sums must fit.
    void (*transform32)(std::int32_t* x);
    void (*transform64)(std::int64_t* x);
    /// out[i] = round_half_away(sign_i * x[i] * scale / 2^shift), bit i of `signs` set for minus;
    /// |x| <= 2^27, scale < 2^30, and the results must fit.
    void (*scale_signed)(const std::int32_t* x, const std::uint32_t* signs, std::uint32_t scale,
                         int shift, std::int32_t* out);

    // One row of a matrix without zeros. Its entries, from words[j] or bit j of them on a tile:
    // signs (bit set: -1), or nearly normal numbers, bits set in words[j] less 16, of variance 8.

    /// The row times v[4096]; |v| < 2^30.
    std::int64_t (*sign_dot)(const std::uint32_t* words, const std::int32_t* v);
    std::int64_t (*normal_dot)(const std::uint32_t* words, const std::int32_t* v);
    /// sums[4096] += q * the row; sums must fit.
    void (*sign_add)(const std::uint32_t* words, std::int32_t q, std::int32_t* sums);
    void (*normal_add)(const std::uint32_t* words, std::int32_t q, std::int32_t* sums);
};

/// The variant for a kernel set (scalar where the set has none of its own).
const SrhtKernels& srht_kernels(tensor::KernelSet set);
/// The one that CAIRN_KERNELS or this processor picks; chosen once.
const SrhtKernels& srht_kernels();

}  // namespace cairn::codec
