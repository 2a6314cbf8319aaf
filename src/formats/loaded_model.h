// LoadedModel: what a reader of model files gives.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/pooling.h"
#include "model/weights.h"

namespace cairn::formats {

/// Whether a reader of models takes an encoder-decoder, which is two.
enum class EncoderDecoders { kRefused, kTaken };

/// What an encoder-decoder has besides its decoder.
struct EncoderHalf {
    model::Model encoder;
    std::vector<std::uint32_t> begins;  ///< the tokens that each text of the decoder begins with
};

struct LoadedModel {
    model::Model model;  ///< an encoder-decoder's decoder
    std::string format;  ///< "cairn", "llama2c", "huggingface", "gguf"
    /// Why the model comes without a tokenizer although its files have one; else empty.
    std::string tokenizer_problem;
    /// How hidden states become one vector per text, if the model's files say so.
    std::optional<model::Pooling> pooling{};
    std::optional<EncoderHalf> encoder{};
};

}  // namespace cairn::formats
