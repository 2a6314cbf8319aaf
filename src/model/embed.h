// Tokens to hidden states: the token's row, times sqrt(dim) in some models, then the position's row
// (learned or sinusoidal), then the row of segment 0, then a norm, each where the model has it.
// Shared by inference and training.
#pragma once

#include <span>
#include <vector>

#include "model/layer.h"

namespace cairn::model {

/// kInvalid, naming it, for a token that is none of the model's.
Status check_tokens(const ModelConfig& config, std::span<const std::uint32_t> tokens);

/// The rows that a model adds for positions, if it computes them: [positions, dim] or nothing.
std::vector<float> position_table(const ModelConfig& config, std::size_t positions);

/// What a scaled embedding is multiplied by: sqrt(dim).
float embedding_factor(const ModelConfig& config);

/// Which positions the tokens have: token i stands at first + i mod sequence.
struct TokenPositions {
    std::size_t first = 0;
    std::size_t sequence = 0;
};

/// x[n, dim] before the embedding norm. `sinusoids` is position_table's; `row` is scratch, [dim].
/// CHECKs that every token is < vocab (check_tokens()).
void embed_tokens(const LayerGraph& g, const Weights& w, std::span<const float> sinusoids,
                  std::span<const std::uint32_t> tokens, TokenPositions positions,
                  std::span<float> row, tensor::Matrix x);

}  // namespace cairn::model
