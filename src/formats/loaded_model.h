// LoadedModel: what a reader of model files gives.
#pragma once

#include <optional>
#include <string>

#include "model/pooling.h"
#include "model/weights.h"

namespace cairn::formats {

struct LoadedModel {
    model::Model model;
    std::string format;  ///< "cairn", "llama2c", "huggingface", "gguf"
    /// Why the model comes without a tokenizer although its files have one; else empty.
    std::string tokenizer_problem;
    /// How hidden states become one vector per text, if the model's files say so.
    std::optional<model::Pooling> pooling{};
};

}  // namespace cairn::formats
