#include "model/files/compare.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "model/encoder.h"
#include "model/files/retype.h"
#include "model/transformer.h"

namespace cairn::model {

namespace {

using tensor::Weight;

bool same_bytes(const Weight& a, const Weight& b) {
    return a.type == b.type && !a.packed && !b.packed &&
           std::memcmp(a.data, b.data, a.canonical_bytes()) == 0;
}

TensorDifference compare(const TensorInfo& info, const Weight& a, const Weight& b) {
    TensorDifference result;
    result.name = info.name;
    result.same_bytes = same_bytes(a, b);
    if (result.same_bytes) return result;
    const auto cols = static_cast<std::size_t>(info.cols);
    std::vector<float> row_a(cols);
    std::vector<float> row_b(cols);
    double squares = 0;
    for (std::size_t row = 0; row < info.rows; ++row) {
        tensor::weight_row(a, row, row_a.data());
        tensor::weight_row(b, row, row_b.data());
        for (std::size_t i = 0; i < cols; ++i) {
            const double difference =
                std::fabs(static_cast<double>(row_a[i]) - static_cast<double>(row_b[i]));
            result.largest = std::max(result.largest, difference);
            squares += difference * difference;
        }
    }
    result.root_mean_square = std::sqrt(squares / static_cast<double>(info.size()));
    return result;
}

// [tokens, width]
std::vector<float> outputs(const tensor::Compute& compute, const Model& model,
                           std::span<const std::uint32_t> tokens) {
    const ModelConfig& config = model.config;
    if (!config.causal)
        return Encoder(config, model.weights, compute, tokens.size()).encode(tokens).value();
    Transformer transformer(config, model.weights, all_layers(config), compute,
                            {.max_batch = tokens.size(), .max_positions = tokens.size()});
    KvCache cache(config, all_layers(config), tokens.size());
    std::vector<float> hidden(tokens.size() * config.dim);
    transformer.embed(tokens, 0, hidden);
    transformer.forward(hidden, cache);
    if (!config.has_head()) {
        transformer.finish(hidden);
        return hidden;
    }
    std::vector<float> logits(tokens.size() * config.vocab);
    transformer.head(hidden, logits);
    return logits;
}

}  // namespace

Result<std::vector<TensorDifference>> compare_tensors(const Model& a, const Model& b) {
    ModelConfig paired = b.config;
    paired.rope_interleaved = a.config.rope_interleaved;
    if (paired != a.config)
        return invalid("the models have different shapes: " + describe(a.config) + " and " +
                       describe(b.config));
    Model in_order = b;
    if (a.config != b.config) {
        ASSIGN_OR_RETURN(in_order, retype(b, {}, a.config.rope_interleaved));
    }
    std::vector<TensorDifference> result;
    const ParameterLayout layout = a.layout();
    for (const TensorInfo& info : layout.tensors())
        result.push_back(compare(info, tensor_at(a.weights, info.kind, info.layer),
                                 tensor_at(in_order.weights, info.kind, info.layer)));
    return result;
}

LogitDifference compare_logits(const tensor::Compute& compute, const Model& a, const Model& b,
                               std::span<const std::uint32_t> tokens) {
    const std::vector<float> left = outputs(compute, a, tokens);
    const std::vector<float> right = outputs(compute, b, tokens);
    CHECK(left.size() == right.size());
    LogitDifference result;
    result.positions = tokens.size();
    result.same_bits = std::memcmp(left.data(), right.data(), left.size() * sizeof(float)) == 0;
    const std::size_t width = left.size() / tokens.size();
    for (std::size_t i = 0; i < left.size(); ++i)
        result.largest = std::max(result.largest, std::fabs(static_cast<double>(left[i]) -
                                                            static_cast<double>(right[i])));
    for (std::size_t t = 0; t < tokens.size(); ++t) {
        const auto choice = [&](const std::vector<float>& values) {
            const auto begin = values.begin() + static_cast<std::ptrdiff_t>(t * width);
            return std::max_element(begin, begin + static_cast<std::ptrdiff_t>(width)) - begin;
        };
        result.same_choice += choice(left) == choice(right) ? 1 : 0;
    }
    return result;
}

}  // namespace cairn::model
