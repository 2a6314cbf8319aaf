// Frequencies for longer texts than a model was trained on: linear (Chen et al. 2023), by parts as
// Llama 3.1 does it, and YaRN (Peng et al. 2023). In double, with our own logarithm.
#include <algorithm>

#include "tensor/elementary.h"
#include "tensor/rope.h"

namespace cairn::tensor {

namespace {

constexpr double kTwoPi = 0x1.921fb54442d18p+2;

double floor_f64(double x) {
    const double nearest = round_even_f64(x);
    return nearest > x ? nearest - 1.0 : nearest;
}

/// Long waves are stretched, short ones stay, those between are blended.
void scale_llama3(const RopeScaling& s, std::vector<double>& frequencies) {
    const double longest = s.original_positions / s.low_freq_factor;
    const double shortest = s.original_positions / s.high_freq_factor;
    for (double& frequency : frequencies) {
        const double wavelength = kTwoPi / frequency;
        if (wavelength < shortest) continue;
        if (wavelength > longest) {
            frequency = frequency / s.factor;
            continue;
        }
        const double smooth = (s.original_positions / wavelength - s.low_freq_factor) /
                              (s.high_freq_factor - s.low_freq_factor);
        frequency = (1.0 - smooth) * (frequency / s.factor) + smooth * frequency;
    }
}

/// The pair (as a real number) that makes `turns` turns within the original length.
double pair_of_turns(double turns, std::size_t head_dim, double theta, double positions) {
    const double d = static_cast<double>(head_dim);
    return (d * log_f64(positions / (turns * kTwoPi))) / (2.0 * log_f64(theta));
}

/// Pairs that turn often stay, those that turn less than once are stretched, a ramp between.
void scale_yarn(const RopeScaling& s, std::size_t head_dim, double theta,
                std::vector<double>& frequencies) {
    double low = pair_of_turns(s.beta_fast, head_dim, theta, s.original_positions);
    double high = pair_of_turns(s.beta_slow, head_dim, theta, s.original_positions);
    if (s.truncate) {
        low = floor_f64(low);
        high = -floor_f64(-high);
    }
    low = std::max(low, 0.0);
    high = std::min(high, static_cast<double>(head_dim) - 1.0);
    if (low == high) high += 0.001;
    for (std::size_t i = 0; i < frequencies.size(); ++i) {
        const double ramp = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
        const double kept = 1.0 - ramp;
        const double stretched = frequencies[i] / s.factor;
        frequencies[i] = stretched * (1.0 - kept) + frequencies[i] * kept;
    }
}

double mscale(double factor, double weight) {
    return factor <= 1.0 ? 1.0 : 0.1 * weight * log_f64(factor) + 1.0;
}

}  // namespace

Status check_rope_scaling(const RopeScaling& s) {
    if (s.kind == RopeScaling::Kind::kNone) return ok_status();
    const auto between = [](double x, double low, double high) { return x >= low && x <= high; };
    if (!between(s.factor, 1.0, 1e6)) return invalid("rope scaling: factor must lie in [1, 1e6]");
    if (s.kind == RopeScaling::Kind::kLinear) return ok_status();
    if (!between(s.original_positions, 1.0, 1e9))
        return invalid("rope scaling: the original length must lie in [1, 1e9]");
    if (s.kind == RopeScaling::Kind::kLlama3) {
        if (!between(s.low_freq_factor, 1e-3, 1e6) ||
            !between(s.high_freq_factor, s.low_freq_factor + 1e-3, 1e7))
            return invalid("rope scaling: frequency factors must be positive and ascend");
        return ok_status();
    }
    if (!between(s.beta_slow, 1e-3, 1e6) || !between(s.beta_fast, s.beta_slow, 1e6))
        return invalid("rope scaling: beta_slow and beta_fast must be positive and ascend");
    for (const double weight : {s.attention_factor, s.mscale, s.mscale_all_dim})
        if (!between(weight, 0.0, 1e3))
            return invalid("rope scaling: attention factors must lie in [0, 1000]");
    return ok_status();
}

std::vector<double> scaled_rope_frequencies(std::size_t head_dim, double theta,
                                            const RopeScaling& scaling) {
    CHECK(check_rope_scaling(scaling).ok());
    std::vector<double> frequencies = rope_frequencies(head_dim, theta);
    switch (scaling.kind) {
        case RopeScaling::Kind::kNone:
            break;
        case RopeScaling::Kind::kLinear:
            for (double& frequency : frequencies) frequency = frequency / scaling.factor;
            break;
        case RopeScaling::Kind::kLlama3:
            scale_llama3(scaling, frequencies);
            break;
        case RopeScaling::Kind::kYarn:
            scale_yarn(scaling, head_dim, theta, frequencies);
            break;
    }
    return frequencies;
}

double rope_attention_factor(const RopeScaling& s) {
    if (s.kind != RopeScaling::Kind::kYarn) return 1.0;
    if (s.attention_factor > 0.0) return s.attention_factor;
    if (s.mscale > 0.0 && s.mscale_all_dim > 0.0)
        return mscale(s.factor, s.mscale) / mscale(s.factor, s.mscale_all_dim);
    return mscale(s.factor, 1.0);
}

}  // namespace cairn::tensor
