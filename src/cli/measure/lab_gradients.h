// `cairn lab gradients`: writes all data of one training step of a small model to a file (tokens,
// parameters, gradient, parameters after AdamW), so that another program can repeat and compare it:
// tools/oracle/torch-gradients does so in PyTorch.
#pragma once

#include <iosfwd>
#include <string>

#include "base/result.h"

namespace cairn::cli {

class Command;

struct Invocation;

struct GradientsRequest {
    std::string out;               ///< a safetensors file
    std::string family = "llama";  ///< llama, qwen3, gpt2: a small random model
    std::string model;             ///< or a model file, which must be plain fp32
    std::uint32_t context = 64;    ///< tokens per sequence
    std::uint64_t seed = 1;
    std::size_t threads = 0;
    bool json = false;
};

/// Tensors of the file, fp32: parameter/NAME, gradient/NAME (mean over tokens, before clipping),
/// updated/NAME with the names of model/layout.h; tokens and targets, int32 [sequences, context].
/// Its metadata holds the configuration, the recipe and the loss in nats per token.
Status run_lab_gradients(const GradientsRequest& request, std::ostream& out);
void add_lab_gradients(const Command& group, Invocation& invocation);

}  // namespace cairn::cli
