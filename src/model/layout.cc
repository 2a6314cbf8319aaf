// CONSENSUS: changing a result here splits the network.
#include "model/layout.h"

#include <algorithm>

namespace cairn::model {

namespace {

struct Shape {
    TensorKind kind;
    const char* name;
    bool present;
    std::uint64_t rows;  // 1: a norm or a bias
    std::uint64_t cols;
};

// In canonical order.
std::vector<Shape> shapes_of(const ModelConfig& c) {
    using K = TensorKind;
    const std::uint64_t dim = c.dim;
    const std::uint64_t q = c.q_dim();
    const std::uint64_t kv = c.kv_dim();
    const std::uint64_t hidden = c.hidden_dim;
    const std::uint64_t head = c.head_dim();
    const bool shifted = c.norm == NormKind::kLayer;
    const bool gated = c.is_gated();
    const bool behind = c.norm_position == NormPosition::kBoth;
    const bool final = c.has_final_norm();
    return {
        {K::kTokenEmbedding, "token_embedding", true, c.vocab, dim},
        {K::kPositionEmbedding, "position_embedding", c.positions == PositionKind::kLearned,
         c.context, dim},
        {K::kTypeEmbedding, "type_embedding", c.token_types > 0, c.token_types, dim},
        {K::kEmbeddingNorm, "embedding_norm", c.embedding_norm, 1, dim},
        {K::kEmbeddingNormBias, "embedding_norm_bias", c.embedding_norm && shifted, 1, dim},
        {K::kAttnNorm, "attn_norm", true, 1, dim},
        {K::kAttnNormBias, "attn_norm_bias", shifted, 1, dim},
        {K::kWq, "wq", true, q, dim},
        {K::kBq, "bq", c.qkv_bias, 1, q},
        {K::kWk, "wk", true, kv, dim},
        {K::kBk, "bk", c.qkv_bias, 1, kv},
        {K::kWv, "wv", true, kv, dim},
        {K::kBv, "bv", c.qkv_bias, 1, kv},
        {K::kQNorm, "q_norm", c.qk_norm, 1, head},
        {K::kKNorm, "k_norm", c.qk_norm, 1, head},
        {K::kWo, "wo", true, dim, q},
        {K::kBo, "bo", c.out_bias, 1, dim},
        {K::kAttnPostNorm, "attn_post_norm", behind, 1, dim},
        {K::kFfnNorm, "ffn_norm", true, 1, dim},
        {K::kFfnNormBias, "ffn_norm_bias", shifted, 1, dim},
        {K::kWGate, "w_gate", gated, hidden, dim},
        {K::kBGate, "b_gate", gated && c.ffn_bias, 1, hidden},
        {K::kWUp, "w_up", true, hidden, dim},
        {K::kBUp, "b_up", c.ffn_bias, 1, hidden},
        {K::kWDown, "w_down", true, dim, hidden},
        {K::kBDown, "b_down", c.ffn_bias, 1, dim},
        {K::kFfnPostNorm, "ffn_post_norm", behind, 1, dim},
        {K::kFinalNorm, "final_norm", final, 1, dim},
        {K::kFinalNormBias, "final_norm_bias", final && shifted, 1, dim},
        {K::kHead, "head", c.has_head() && !c.tied_head, c.vocab, dim},
    };
}

// Kinds whose single row still is a matrix.
bool is_matrix(TensorKind kind) {
    switch (kind) {
        case TensorKind::kTokenEmbedding:
        case TensorKind::kPositionEmbedding:
        case TensorKind::kTypeEmbedding:
        case TensorKind::kWq:
        case TensorKind::kWk:
        case TensorKind::kWv:
        case TensorKind::kWo:
        case TensorKind::kWGate:
        case TensorKind::kWUp:
        case TensorKind::kWDown:
        case TensorKind::kHead:
            return true;
        default:
            return false;
    }
}

}  // namespace

ParameterLayout::ParameterLayout(const ModelConfig& config, std::uint64_t tile)
    : config_(config), tile_(tile) {
    CHECK(validate(config).ok());
    CHECK(tile >= 1);
    const std::vector<Shape> shapes = shapes_of(config);
    std::array<bool, kTensorKinds> present{};
    const auto add = [&](const Shape& shape, std::uint32_t layer, std::string name) {
        if (!shape.present) return;
        const auto kind = static_cast<std::size_t>(shape.kind);
        if (!present[kind]) first_[kind] = tensors_.size();
        present[kind] = true;
        TensorInfo info{shape.kind, layer, std::move(name),      shape.rows,
                        shape.cols, size_, is_matrix(shape.kind)};
        parameters_ += info.size();
        size_ += (info.size() + tile_ - 1) / tile_ * tile_;
        tensors_.push_back(std::move(info));
    };
    const auto add_outside = [&](bool after) {
        for (const Shape& shape : shapes)
            if (!is_per_layer(shape.kind) && (shape.kind > TensorKind::kFfnPostNorm) == after)
                add(shape, 0, shape.name);
    };
    add_outside(false);
    for (std::uint32_t layer = 0; layer < config.layers; ++layer) {
        const std::size_t begin = tensors_.size();
        for (const Shape& shape : shapes)
            if (is_per_layer(shape.kind))
                add(shape, layer, "layers." + std::to_string(layer) + "." + shape.name);
        per_layer_ = tensors_.size() - begin;
    }
    add_outside(true);
    for (std::size_t kind = 0; kind < kTensorKinds; ++kind)
        if (!present[kind]) first_[kind] = tensors_.size();
}

bool ParameterLayout::has(TensorKind kind) const {
    return first_[static_cast<std::size_t>(kind)] < tensors_.size();
}

const TensorInfo& ParameterLayout::at(TensorKind kind, std::uint32_t layer) const {
    CHECK(has(kind));
    CHECK(layer < (is_per_layer(kind) ? config_.layers : 1));
    return tensors_[first_[static_cast<std::size_t>(kind)] + layer * per_layer_];
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
