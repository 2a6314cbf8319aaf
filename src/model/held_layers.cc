#include "model/held_layers.h"

#include <algorithm>

namespace cairn::model {

bool has_layers(const ModelConfig& config, const Weights& weights, LayerRange range) {
    if (range.begin >= range.end || range.end > weights.layers.size()) return false;
    const ParameterLayout layout(config);
    return std::ranges::none_of(layout.tensors(), [&](const TensorInfo& info) {
        return is_in(info, range) && tensor_at(weights, info.kind, info.layer).empty();
    });
}

}  // namespace cairn::model
