// CONSENSUS: changing a result here splits the network.
//
// Constants of the fp32 elementary functions, shared by the definition (reference/elementary.cc)
// and the vector bodies (kernels/elementary_body.h). The polynomials are minimax fits for the
// relative error of the whole function, found with Remez' algorithm at 60 digits and rounded.
#pragma once

namespace cairn::tensor {

// e^r = 1 + r + r^2 * (kExp[0] + kExp[1] r + ...), |r| <= ln2/2; error 3.1e-9.
inline constexpr float kExp[5] = {0x1.fffffcp-2F, 0x1.55549p-3F, 0x1.5558f8p-5F, 0x1.123b02p-7F,
                                  0x1.6a2256p-10F};
// x = n ln2 + r: ln2 in two parts, the first short enough that n times it is exact.
inline constexpr float kLog2E = 0x1.715476p+0F;
inline constexpr float kLn2High = 0x1.62e4p-1F;
inline constexpr float kLn2Low = 0x1.7f7d1cp-20F;
// Below the first e^x is +0, above the second +inf.
inline constexpr float kExpLowest = -87.0F;
inline constexpr float kExpHighest = 0x1.62e42ep+6F;
// Adding and subtracting it rounds a float of modest size to the nearest integer, ties to even.
inline constexpr float kRoundingShift = 0x1.8p+23F;

// log(1 + f) = f - f^2/2 + f^3 * (kLog[0] + kLog[1] f + ...), sqrt(1/2) <= 1+f < sqrt(2);
// error 5.8e-9.
inline constexpr float kLog[8] = {0x1.555554p-2F, -0x1.000226p-2F, 0x1.99a008p-3F, -0x1.547244p-3F,
                                  0x1.22da1cp-3F, -0x1.0d854p-3F,  0x1.055b6cp-3F, -0x1.38b59p-4F};
inline constexpr float kSqrtHalf = 0x1.6a09e6p-1F;

// tanh(x) = x + x^3 * (kTanh[0] + kTanh[1] x^2 + ...), |x| < 0.625; error 5.0e-9.
inline constexpr float kTanh[5] = {-0x1.55552ep-2F, 0x1.110646p-3F, -0x1.b81dc2p-5F, 0x1.5157fep-6F,
                                   -0x1.722b06p-8F};
inline constexpr float kTanhSmall = 0.625F;

/// The one spelling of NaN that is ever stored.
inline constexpr unsigned kNanBits = 0x7FC00000U;

}  // namespace cairn::tensor
