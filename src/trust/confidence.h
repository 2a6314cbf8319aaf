// How sure one can be of a share that was seen only a few times: the bounds of Clopper and Pearson,
// "The use of confidence or fiducial limits illustrated in the case of the binomial", Biometrika 26
// (1934). They never promise more than their confidence, however few the trials.
#pragma once

namespace cairn::trust {

inline constexpr double kConfidence = 0.95;

/// The least share for which so many successes or more still happen with a probability of
/// 1 - confidence: one-sided. 0 without a success. 20 of 20 at 0.95: 0.05^(1/20) = 0.860892.
/// Counts may be fractions, as those that fade with time are; CHECKs 0 <= successes <= trials.
double lower_bound(double successes, double trials, double confidence = kConfidence);

/// The largest share for which so many successes or fewer still happen so often. 1 without a
/// failure.
double upper_bound(double successes, double trials, double confidence = kConfidence);

}  // namespace cairn::trust
