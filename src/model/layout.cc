// CONSENSUS: changing a result here splits the network.
#include "model/layout.h"

#include <algorithm>

namespace cairn::model {

namespace {

// Kinds are numbered in canonical order, so position in the list follows from kind and layer.
constexpr std::uint64_t kPerLayer = 9;

struct Shape {
    TensorKind kind;
    const char* name;
    std::uint64_t rows;
    std::uint64_t cols;
};

std::vector<Shape> layer_shapes(const ModelConfig& config) {
    const std::uint64_t dim = config.dim;
    const std::uint64_t kv = config.kv_dim();
    const std::uint64_t hidden = config.hidden_dim;
    return {{TensorKind::kAttnNorm, "attn_norm", 1, dim},
            {TensorKind::kWq, "wq", dim, dim},
            {TensorKind::kWk, "wk", kv, dim},
            {TensorKind::kWv, "wv", kv, dim},
            {TensorKind::kWo, "wo", dim, dim},
            {TensorKind::kFfnNorm, "ffn_norm", 1, dim},
            {TensorKind::kWGate, "w_gate", hidden, dim},
            {TensorKind::kWUp, "w_up", hidden, dim},
            {TensorKind::kWDown, "w_down", dim, hidden}};
}

bool is_norm(TensorKind kind) {
    return kind == TensorKind::kAttnNorm || kind == TensorKind::kFfnNorm ||
           kind == TensorKind::kFinalNorm;
}

}  // namespace

ParameterLayout::ParameterLayout(const ModelConfig& config, std::uint64_t tile)
    : config_(config), tile_(tile) {
    CHECK(validate(config).ok());
    CHECK(tile >= 1);
    const auto add = [this](const Shape& shape, std::uint32_t layer, std::string name) {
        TensorInfo info{shape.kind, layer, std::move(name),     shape.rows,
                        shape.cols, size_, !is_norm(shape.kind)};
        parameters_ += info.size();
        size_ += (info.size() + tile_ - 1) / tile_ * tile_;
        tensors_.push_back(std::move(info));
    };
    add({TensorKind::kTokenEmbedding, "", config.vocab, config.dim}, 0, "token_embedding");
    for (std::uint32_t layer = 0; layer < config.layers; ++layer)
        for (const Shape& shape : layer_shapes(config))
            add(shape, layer, "layers." + std::to_string(layer) + "." + shape.name);
    add({TensorKind::kFinalNorm, "", 1, config.dim}, 0, "final_norm");
    if (!config.tied_head) add({TensorKind::kHead, "", config.vocab, config.dim}, 0, "head");
}

const TensorInfo& ParameterLayout::at(TensorKind kind, std::uint32_t layer) const {
    std::uint64_t index = 0;
    if (kind == TensorKind::kFinalNorm || kind == TensorKind::kHead) {
        index = 1 + kPerLayer * config_.layers + (kind == TensorKind::kHead ? 1 : 0);
    } else if (kind != TensorKind::kTokenEmbedding) {
        CHECK(layer < config_.layers);
        index = kPerLayer * layer + static_cast<std::uint64_t>(kind);
    }
    CHECK(index < tensors_.size());
    CHECK(tensors_[index].kind == kind);
    return tensors_[index];
}

void copy_parameters(const ParameterLayout& from_layout, std::span<const float> from,
                     const ParameterLayout& to_layout, std::span<float> to) {
    CHECK(from_layout.config() == to_layout.config());
    CHECK(from.size() == from_layout.size() && to.size() == to_layout.size());
    std::fill(to.begin(), to.end(), 0.0F);
    for (std::size_t i = 0; i < from_layout.tensors().size(); ++i) {
        const TensorInfo& source = from_layout.tensors()[i];
        const auto values = from.subspan(source.offset, source.size());
        std::copy(values.begin(), values.end(),
                  to.begin() + static_cast<std::ptrdiff_t>(to_layout.tensors()[i].offset));
    }
}

}  // namespace cairn::model
