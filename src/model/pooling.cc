#include "model/pooling.h"

#include <cmath>

#include <fmt/core.h>

#include "tensor/bias.h"
#include "tensor/reduce.h"

namespace cairn::model {

namespace {

std::vector<float> mean(const tensor::Compute& compute, std::span<const float> states,
                        std::size_t dim) {
    const std::size_t rows = states.size() / dim;
    std::vector<float> mean(dim, 0.0F);
    tensor::bias_backward_accumulate(compute, {states.data(), rows, dim}, mean.data());
    for (float& value : mean) value = value / static_cast<float>(rows);
    return mean;
}

}  // namespace

std::string_view pooling_name(Pooling pooling) {
    switch (pooling) {
        case Pooling::kMean:
            return "mean";
        case Pooling::kFirst:
            return "cls";
        case Pooling::kLast:
            return "last";
    }
    return {};
}

Result<Pooling> parse_pooling(std::string_view name) {
    for (const Pooling pooling : {Pooling::kMean, Pooling::kFirst, Pooling::kLast})
        if (name == pooling_name(pooling)) return pooling;
    return invalid(fmt::format("unknown pooling '{}'; it is mean, cls or last", name));
}

Pooling default_pooling(const ModelConfig& config) {
    return config.causal ? Pooling::kLast : Pooling::kMean;
}

std::vector<float> pooled(const tensor::Compute& compute, Pooling pooling,
                          std::span<const float> states, std::size_t dim) {
    CHECK(dim > 0 && states.size() >= dim && states.size() % dim == 0);
    switch (pooling) {
        case Pooling::kMean:
            return mean(compute, states, dim);
        case Pooling::kFirst:
            return {states.begin(), states.begin() + static_cast<std::ptrdiff_t>(dim)};
        case Pooling::kLast:
            break;
    }
    return {states.end() - static_cast<std::ptrdiff_t>(dim), states.end()};
}

void normalise(const tensor::Compute& compute, std::span<float> vector) {
    const float squares = tensor::reduce_sumsq(compute, vector.size(), vector.data());
    if (squares == 0.0F) return;
    const float length = std::sqrt(squares);
    for (float& value : vector) value = value / length;
}

}  // namespace cairn::model
