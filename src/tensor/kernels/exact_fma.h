// CONSENSUS: changing a result here splits the network.
//
// a * b + c with one rounding, in about 3 ns, for processors without an fma instruction, where the
// C library takes some 38 ns.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace cairn::tensor::kernels {

/// The product of two floats is exact in double. Their sum with c is rounded to odd (towards zero,
/// then the last bit set if anything was lost), so that rounding it once more, to float, gives what
/// a single rounding gives (Boldo and Melquiond 2008): a double has more than two bits to spare.
static inline float fma_by_odd_rounding(float a, float b, float c) {
    const double product = static_cast<double>(a) * static_cast<double>(b);
    const double addend = static_cast<double>(c);
    const double sum = product + addend;
    const double back = sum - product;
    const double lost = (product - (sum - back)) + (addend - back);  // NaN if sum is not finite
    const bool inexact = lost < 0.0 || lost > 0.0;
    const bool away_from_zero = (lost < 0.0) == (sum > 0.0);
    const auto bits = std::bit_cast<std::uint64_t>(sum);
    const std::uint64_t odd = (bits - (away_from_zero ? 1U : 0U)) | 1U;
    return static_cast<float>(std::bit_cast<double>(inexact ? odd : bits));
}

static inline float exact_fma(float a, float b, float c) {
#if defined(__FP_FAST_FMAF)
    return std::fma(a, b, c);
#else
    return fma_by_odd_rounding(a, b, c);
#endif
}

}  // namespace cairn::tensor::kernels
