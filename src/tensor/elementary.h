// Our own elementary functions (N6): built from IEEE operations and explicit fma, so that they give
// the same bits everywhere, which no two libms promise. Those in double serve tables and schedules
// that are rounded once to fp32; their error is a few ulp. Those in fp32, measured over all inputs:
// exp 0.91, log 0.87, tanh 1.37, erf 1.21, gelu 1.66 and its tanh form 1.96, sigmoid 2.41 ulp
// (whole_domain_test.cc).
#pragma once

namespace cairn::tensor {

/// e^x; +0 below -87, +inf above 88.72.
float exp_f32(float x);
/// Natural logarithm; -inf at 0, NaN below.
float log_f32(float x);
float tanh_f32(float x);
/// 1 / (1 + e^-x), as SwiGLU computes it.
float sigmoid_f32(float x);
/// The error function.
float erf_f32(float x);
/// x * Phi(x), GELU's exact form; -0 below -13.1, x above 13.1.
float gelu_f32(float x);
/// x / (1 + e^-z), z = 2 sqrt(2/pi) (x + 0.044715 x^3): GELU's tanh form; -0 below -9.9, x
/// above 9.9.
float gelu_tanh_f32(float x);
/// Their derivatives.
float gelu_slope_f32(float x);
float gelu_tanh_slope_f32(float x);

/// For |x| below 2^20 quarter turns (N16): 2^20 positions of at most a radian each stay below.
double sin_f64(double x);
double cos_f64(double x);
/// 2^x; 0 below -1022.
double exp2_f64(double x);
double exp_f64(double x);
/// Natural and binary logarithm of a normal x > 0.
double log_f64(double x);
double log2_f64(double x);
/// x^y for normal x > 0.
double pow_f64(double x, double y);

/// The nearest integer, ties to even, for |x| < 2^51.
double round_even_f64(double x);

/// The one NaN that is ever stored (kNanBits) if x is a NaN; x itself otherwise.
float canonical(float x);

}  // namespace cairn::tensor
