#include "model/rope_scale.h"

#include <algorithm>
#include <cmath>

namespace cairn::model {

namespace {

using Kind = tensor::RopeScaling::Kind;

// Writers of files round the divisors to fp32 at other steps than we do.
constexpr float kSame = 1e-4F;
constexpr std::uint32_t kLlama3Context = 8192;

}  // namespace

RopeScale linear_rope_scale(float factor) {
    RopeScale scale;
    // A factor of 1 changes nothing, which is spelled as no scaling at all.
    if (factor == 1.0F) return scale;
    scale.kind = RopeScalingKind::kLinear;
    scale.factor = factor;
    return scale;
}

RopeScale llama3_rope_scale(float factor, float low_freq_factor, float high_freq_factor,
                            std::uint32_t original_context) {
    RopeScale scale;
    scale.kind = RopeScalingKind::kLlama3;
    scale.factor = factor;
    scale.low_freq_factor = low_freq_factor;
    scale.high_freq_factor = high_freq_factor;
    scale.original_context = original_context;
    return scale;
}

RopeScale yarn_rope_scale(float factor, std::uint32_t original_context, float beta_fast,
                          float beta_slow, float attention_factor) {
    RopeScale scale;
    scale.kind = RopeScalingKind::kYarn;
    scale.factor = factor;
    scale.original_context = original_context;
    scale.beta_fast = beta_fast;
    scale.beta_slow = beta_slow;
    scale.attention_factor = attention_factor;
    if (attention_factor == 0.0F && factor >= 1.0F) {
        tensor::RopeScaling formula;
        formula.kind = Kind::kYarn;
        formula.factor = static_cast<double>(factor);
        scale.attention_factor = static_cast<float>(tensor::rope_attention_factor(formula));
    }
    return scale;
}

tensor::RopeScaling formula_of(const RopeScale& scale) {
    constexpr Kind kKinds[] = {Kind::kNone, Kind::kLinear, Kind::kLlama3, Kind::kYarn};
    tensor::RopeScaling scaling;
    scaling.kind = kKinds[static_cast<std::size_t>(scale.kind)];
    scaling.factor = static_cast<double>(scale.factor);
    scaling.original_positions = scale.original_context;
    scaling.low_freq_factor = static_cast<double>(scale.low_freq_factor);
    scaling.high_freq_factor = static_cast<double>(scale.high_freq_factor);
    scaling.beta_fast = static_cast<double>(scale.beta_fast);
    scaling.beta_slow = static_cast<double>(scale.beta_slow);
    scaling.attention_factor = static_cast<double>(scale.attention_factor);
    return scaling;
}

std::vector<float> rope_factors(const ModelConfig& config) {
    CHECK(config.rope_scale.kind == RopeScalingKind::kLlama3);
    const auto theta = static_cast<double>(config.rope_theta);
    const auto plain = tensor::rope_frequencies(config.head_dim(), theta);
    const auto scaled =
        tensor::scaled_rope_frequencies(config.head_dim(), theta, formula_of(config.rope_scale));
    std::vector<float> factors(plain.size());
    for (std::size_t i = 0; i < factors.size(); ++i)
        factors[i] = static_cast<float>(plain[i] / scaled[i]);
    return factors;
}

Result<RopeScale> rope_scale_of_factors(const ModelConfig& config, std::span<const float> factors) {
    const Error unknown{ErrorCode::kUnsupported,
                        "rope_freqs.weight is not a Llama 3 scaling (low 1, high 4, original "
                        "context 8192), the only one that this program reads from GGUF"};
    if (factors.size() != config.head_dim() / 2) return unknown;
    const float factor = *std::max_element(factors.begin(), factors.end());
    if (std::all_of(factors.begin(), factors.end(), [](float f) { return f == 1.0F; }))
        return RopeScale{};
    ModelConfig scaled = config;
    scaled.rope_scale =
        llama3_rope_scale(std::round(factor * 4.0F) / 4.0F, 1.0F, 4.0F, kLlama3Context);
    if (!(factor > 1.0F) || !validate(scaled).ok()) return unknown;
    const std::vector<float> ours = rope_factors(scaled);
    for (std::size_t i = 0; i < factors.size(); ++i)
        if (!(std::fabs(factors[i] - ours[i]) <= kSame * ours[i])) return unknown;
    return scaled.rope_scale;
}

}  // namespace cairn::model
