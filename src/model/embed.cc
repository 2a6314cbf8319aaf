// CONSENSUS: changing a result here splits the network.
#include "model/embed.h"

#include <cmath>

#include <fmt/core.h>

#include "tensor/elementwise.h"
#include "tensor/positions.h"

namespace cairn::model {

Status check_tokens(const ModelConfig& config, std::span<const std::uint32_t> tokens) {
    for (const std::uint32_t token : tokens)
        if (token >= config.vocab)
            return invalid(fmt::format("token {} is outside the model's vocabulary of {}", token,
                                       config.vocab));
    return ok_status();
}

std::vector<float> position_table(const ModelConfig& config, std::size_t positions) {
    if (config.positions != PositionKind::kSinusoidal) return {};
    return tensor::sinusoidal_positions(positions, config.dim);
}

float embedding_factor(const ModelConfig& config) {
    return std::sqrt(static_cast<float>(config.dim));
}

void embed_tokens(const LayerGraph& g, const Weights& w, std::span<const float> sinusoids,
                  std::span<const std::uint32_t> tokens, TokenPositions positions,
                  std::span<float> row, tensor::Matrix x) {
    const std::size_t dim = g.config.dim;
    CHECK(x.rows == tokens.size() && x.cols == dim && row.size() == dim);
    CHECK(positions.sequence > 0 || tokens.empty());
    const auto add_row = [&](const float* values, float* to) {
        tensor::add(g.compute, dim, to, values, to);
    };
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        CHECK(tokens[i] < g.config.vocab);
        tensor::weight_row(w.token_embedding, tokens[i], x.row(i));
        if (g.config.scaled_embedding)
            tensor::scale(g.compute, dim, embedding_factor(g.config), x.row(i));
        const std::size_t position = positions.first + i % positions.sequence;
        if (g.config.positions == PositionKind::kLearned) {
            tensor::weight_row(w.position_embedding, position, row.data());
            add_row(row.data(), x.row(i));
        } else if (g.config.positions == PositionKind::kSinusoidal) {
            CHECK((position + 1) * dim <= sinusoids.size());
            add_row(sinusoids.data() + position * dim, x.row(i));
        }
        if (g.config.token_types > 0) {
            tensor::weight_row(w.type_embedding, 0, row.data());
            add_row(row.data(), x.row(i));
        }
    }
}

}  // namespace cairn::model
