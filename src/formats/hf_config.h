// config.json, Hugging Face's description of a model, to our ModelConfig and back. What this
// program would compute differently is refused (kUnsupported) with the field that asks for it,
// rather than computed as something else.
#pragma once

#include "formats/hf_names.h"

namespace cairn::formats {

struct HfConfig {
    HfFamily family{};
    model::ModelConfig config;
    std::optional<model::ModelConfig>
        encoder{};  ///< of an encoder-decoder, whose decoder is config
};

/// llama, mistral, qwen2, qwen3, gemma3_text (pairs of halves), gpt2, bert, bart; rope_scaling as
/// linear, llama3 or yarn, in the old spelling ("type"), the usual one ("rope_type") and the newest
/// ("rope_parameters").
Result<HfConfig> parse_hf_config(std::string_view json);

/// A model with factors of low rank has the model_type "cairn_low_rank" (so that programs which
/// know nothing of factors refuse it instead of filling the missing matrices at random), its family
/// as "base_model_type", and "low_rank": {"per_head", "ranks": a list of seven for each layer}.
inline constexpr std::string_view kLowRankType = "cairn_low_rank";

/// The family that computes what the configuration says; kUnsupported if none does.
Result<HfFamily> hf_family_of(const model::ModelConfig& config);

/// Special tokens that config.json repeats.
struct HfTokens {
    std::optional<std::uint32_t> bos, eos, pad;
};
std::string render_hf_config(const model::ModelConfig& config, HfFamily family,
                             const HfTokens& tokens, tensor::WeightType type);

}  // namespace cairn::formats
