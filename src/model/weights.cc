#include "model/weights.h"

#include <algorithm>
#include <cmath>

#include "tensor/elementwise.h"
#include "tensor/philox.h"

namespace cairn::model {

namespace {
constexpr double kInitialDeviation = 0.02;
}  // namespace

Weights view_weights(const ParameterLayout& layout, std::span<const float> flat) {
    const auto slice = [&](TensorKind kind, std::uint32_t layer = 0) {
        return layout.slice(flat, kind, layer);
    };
    Weights weights;
    weights.token_embedding = slice(TensorKind::kTokenEmbedding);
    for (std::uint32_t layer = 0; layer < layout.config().layers; ++layer)
        weights.layers.push_back({slice(TensorKind::kAttnNorm, layer),
                                  slice(TensorKind::kWq, layer), slice(TensorKind::kWk, layer),
                                  slice(TensorKind::kWv, layer), slice(TensorKind::kWo, layer),
                                  slice(TensorKind::kFfnNorm, layer),
                                  slice(TensorKind::kWGate, layer), slice(TensorKind::kWUp, layer),
                                  slice(TensorKind::kWDown, layer)});
    weights.final_norm = slice(TensorKind::kFinalNorm);
    weights.head = layout.config().tied_head ? weights.token_embedding : slice(TensorKind::kHead);
    return weights;
}

std::vector<float> initial_parameters(const ParameterLayout& layout, std::uint64_t seed) {
    std::vector<float> flat(layout.size(), 0.0F);
    const double residual = kInitialDeviation / std::sqrt(2.0 * layout.config().layers);
    std::uint64_t stream = 0;
    for (const TensorInfo& info : layout.tensors()) {
        const std::span<float> values = std::span(flat).subspan(info.offset, info.size());
        const bool writes_residual =
            info.kind == TensorKind::kWo || info.kind == TensorKind::kWDown;
        if (info.is_matrix)
            tensor::philox_normal(seed, stream, writes_residual ? residual : kInitialDeviation,
                                  values);
        else
            std::fill(values.begin(), values.end(), 1.0F);
        ++stream;
    }
    return flat;
}

Status check_finite(const ParameterLayout& layout, std::span<const float> flat) {
    CHECK(flat.size() == layout.size());
    for (const TensorInfo& info : layout.tensors()) {
        const auto values = flat.subspan(info.offset, info.size());
        if (tensor::all_finite(values.size(), values.data())) continue;
        const auto bad = std::find_if(values.begin(), values.end(),
                                      [](float value) { return !std::isfinite(value); });
        return invalid("tensor " + info.name + " has a NaN or infinity at index " +
                       std::to_string(bad - values.begin()));
    }
    return ok_status();
}

}  // namespace cairn::model
