#include "formats/compare.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "formats/retype.h"
#include "model/encoder.h"
#include "model/transformer.h"

namespace cairn::formats {

namespace {

using tensor::Weight;

bool same_bytes(const Weight& a, const Weight& b) {
    return a.type == b.type && !a.packed && !b.packed &&
           std::memcmp(a.data, b.data, a.canonical_bytes()) == 0;
}

TensorDifference compare(const model::TensorInfo& info, const Weight& a, const Weight& b) {
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
std::vector<float> outputs(const tensor::Compute& compute, const model::Model& model,
                           std::span<const std::uint32_t> tokens) {
    const model::ModelConfig& config = model.config;
    if (!config.causal)
        return model::Encoder(config, model.weights, compute, tokens.size()).encode(tokens).value();
    model::Transformer transformer(config, model.weights, model::all_layers(config), compute,
                                   {.max_batch = tokens.size(), .max_positions = tokens.size()});
    model::KvCache cache(config, model::all_layers(config), tokens.size());
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

Result<std::vector<TensorDifference>> compare_tensors(const model::Model& a,
                                                      const model::Model& b) {
    model::ModelConfig paired = b.config;
    paired.rope_interleaved = a.config.rope_interleaved;
    if (paired != a.config)
        return invalid("the models have different shapes: " + model::describe(a.config) + " and " +
                       model::describe(b.config));
    model::Model in_order = b;
    if (a.config != b.config) {
        ASSIGN_OR_RETURN(in_order, retype(b, {}, a.config.rope_interleaved));
    }
    std::vector<TensorDifference> result;
    const model::ParameterLayout layout = a.layout();
    for (const model::TensorInfo& info : layout.tensors())
        result.push_back(compare(info, model::tensor_at(a.weights, info.kind, info.layer),
                                 model::tensor_at(in_order.weights, info.kind, info.layer)));
    return result;
}

LogitDifference compare_logits(const tensor::Compute& compute, const model::Model& a,
                               const model::Model& b, std::span<const std::uint32_t> tokens) {
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

}  // namespace cairn::formats
