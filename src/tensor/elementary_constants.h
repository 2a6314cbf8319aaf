// CONSENSUS: changing a result here splits the network.
//
// Constants of the fp32 elementary functions, shared by the definition
// (tensor/reference/elementary.cc) and the vector bodies (tensor/kernels/elementwise_body.h). The
// polynomials are minimax fits for the relative error of the whole function, found with Remez'
// algorithm at 60 digits and rounded.
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

// erf(x) = x + x * (kErfSmall[0] + kErfSmall[1] x^2 + ...), |x| < 0.875; error 8.5e-9. Above it
// erf(x) = 1 - exp(-(kErfLarge[0] + kErfLarge[1] x + ...)), error 1.8e-9, up to where it is 1.
inline constexpr float kErfSmall[6] = {0x1.06eba6p-3F,  -0x1.81270cp-2F, 0x1.ce211ep-4F,
                                       -0x1.b6f38ep-6F, 0x1.49ca0cp-8F,  -0x1.453ae4p-11F};
inline constexpr float kErfSmallEnd = 0.875F;
inline constexpr float kErfLarge[7] = {0x1.2e70c8p-13F, 0x1.20bd5cp+0F,  0x1.460d58p-1F,
                                       0x1.ab0264p-4F,  -0x1.6eb148p-6F, 0x1.93f7f4p-9F,
                                       -0x1.a33c6p-13F};
inline constexpr float kErfOne = 3.925F;

// GELU. Phi(x) = 1/2 + x * (kPhi[0] + kPhi[1] x^2 + ...), |x| < 1/2; error 4.6e-9.
inline constexpr float kPhi[4] = {0x1.988454p-2F, -0x1.10580ap-4F, 0x1.4692c8p-7F,
                                  -0x1.29196cp-10F};
// (x Phi(x))' = 1/2 + x * (kPhiSlope[0] + ...): the coefficients of kPhi times 2, 4, 6, 8.
inline constexpr float kPhiSlope[4] = {0x1.988454p-1F, -0x1.10580ap-2F, 0x1.e9dc2cp-5F,
                                       -0x1.29196cp-7F};
inline constexpr float kPhiSmallEnd = 0.5F;
// a Phi(-a) = exp(-a^2/2) * (kMills[0] + kMills[1] u + ...), u = (a - 1) / (1 + 3/8 a), for
// 1/2 <= a <= 13.1; error 3.8e-9. Beyond, GELU is x or -0.
inline constexpr float kMills[10] = {
    0x1.0bdb2ep-2F,   0x1.5dc998p-3F,   -0x1.4072bcp-4F, 0x1.bbee3cp-7F,  0x1.5e3e2ep-11F,
    -0x1.8d8c8ep-12F, -0x1.61bedap-15F, 0x1.9d4998p-18F, 0x1.88f578p-18F, -0x1.151dd4p-20F};
inline constexpr float kMillsSlope = 0.375F;
inline constexpr float kGeluFar = 13.1F;
inline constexpr float kInvSqrt2Pi = 0x1.988454p-2F;
// 2 sqrt(2/pi) and 0.044715 times it, each in two parts; beyond kGeluTanhFar the tanh form is x
// or -0.
inline constexpr float kTanhFormA = 0x1.988454p+0F;
inline constexpr float kTanhFormALow = -0x1.857936p-25F;
inline constexpr float kTanhFormB = 0x1.2444f2p-4F;
inline constexpr float kTanhFormBLow = 0x1.49b16ap-29F;
inline constexpr float kTanhForm3B = 0x1.b6676cp-3F;  // three times B
inline constexpr float kGeluTanhFar = 9.9F;

/// The one spelling of NaN that is ever stored.
inline constexpr unsigned kNanBits = 0x7FC00000U;

}  // namespace cairn::tensor
