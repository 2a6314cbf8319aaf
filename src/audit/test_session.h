// For this room's tests alone: a small W8A8-row model and a session over some of its layers, as a
// Server computes it.
#pragma once

#include <memory>
#include <vector>

#include "audit/freivalds.h"
#include "model/test_model.h"
#include "tensor/weight.h"

namespace cairn::audit {

/// The matrices of a dense model's layers in W8A8-row, the rest shared with it.
inline model::Model quantised(const model::Model& dense, float nudge = 0.0F) {
    model::Model result = dense;
    auto memory = std::make_shared<std::vector<Bytes>>();
    for (model::LayerWeights& layer : result.weights.layers)
        for (tensor::Weight* matrix : {&layer.wq, &layer.wk, &layer.wv, &layer.wo, &layer.w_gate,
                                       &layer.w_up, &layer.w_down}) {
            if (matrix->empty()) continue;
            std::vector<float> values(matrix->f32().data,
                                      matrix->f32().data + matrix->rows * matrix->cols);
            for (float& value : values) value += nudge;
            Bytes& bytes = memory->emplace_back(
                matrix->rows *
                tensor::weight_row_bytes(tensor::WeightType::kW8A8Row, matrix->cols));
            CHECK(tensor::quantise_weight({values.data(), matrix->rows, matrix->cols},
                                          tensor::WeightType::kW8A8Row, bytes.data())
                      .ok());
            *matrix = {tensor::WeightType::kW8A8Row, matrix->rows, matrix->cols, bytes.data()};
        }
    result.storage = std::make_shared<std::pair<std::shared_ptr<const void>, decltype(memory)>>(
        dense.storage, memory);
    return result;
}

inline model::Model small_model(std::uint64_t seed = 4) {
    const model::ModelConfig config{.dim = 64,
                                    .hidden_dim = 96,
                                    .layers = 4,
                                    .heads = 4,
                                    .kv_heads = 2,
                                    .vocab = 16,
                                    .context = 160};
    return model::make_model(config,
                             model::initial_parameters(model::ParameterLayout(config), seed));
}

inline std::vector<float> some_inputs(std::size_t rows, std::size_t dim, std::uint64_t seed) {
    SeededRandom random(seed);
    std::vector<float> inputs(rows * dim);
    for (float& x : inputs) x = static_cast<float>(random.below(2001)) / 1000.0F - 1.0F;
    return inputs;
}

/// What a Server gives that was sent `cuts` rows at a time.
inline std::vector<float> served(const model::Model& model, model::LayerRange layers,
                                 std::vector<float> states, const std::vector<std::size_t>& cuts,
                                 const tensor::Compute& compute,
                                 model::KvType kv = model::KvType::kF32) {
    const std::size_t dim = model.config.dim;
    model::Transformer transformer(model.config, model.weights, layers, compute);
    model::KvCache cache(model.config, layers, states.size() / dim, kv);
    std::size_t row = 0;
    for (const std::size_t rows : cuts) {
        transformer.forward(std::span(states).subspan(row * dim, rows * dim), cache);
        row += rows;
    }
    CHECK(row * dim == states.size());
    return states;
}

}  // namespace cairn::audit
