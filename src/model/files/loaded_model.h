// LoadedModel: what a reader of model files gives.
#pragma once

#include <string>

#include "model/weights.h"

namespace cairn::model {

struct LoadedModel {
    Model model;
    std::string format;  ///< "cairn", "llama2c", "huggingface", "gguf"
    /// Why the model comes without a tokenizer although its files have one; else empty.
    std::string tokenizer_problem;
};

}  // namespace cairn::model
