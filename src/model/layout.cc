// CONSENSUS: changing a result here splits the network.
#include "model/layout.h"

#include <algorithm>

namespace cairn::model {

namespace {

constexpr std::uint32_t kNone = 0xFFFFFFFF;
// In the order of the projections.
constexpr const char* kNames[] = {"wq", "wk", "wv", "wo", "w_gate", "w_up", "w_down"};
constexpr TensorKind kMatrices[] = {TensorKind::kWq,   TensorKind::kWk,    TensorKind::kWv,
                                    TensorKind::kWo,   TensorKind::kWGate, TensorKind::kWUp,
                                    TensorKind::kWDown};
constexpr TensorKind kRights[] = {
    TensorKind::kWqRight,    TensorKind::kWkRight,  TensorKind::kWvRight,   TensorKind::kWoRight,
    TensorKind::kWGateRight, TensorKind::kWUpRight, TensorKind::kWDownRight};

struct Shape {
    TensorKind kind;
    const char* name;
    bool present;
    std::uint64_t rows;  // 1: a norm or a bias
    std::uint64_t cols;
};

// Those of cross attention, which stand before the feed-forward's.
std::vector<Shape> cross_shapes(const ModelConfig& c) {
    using K = TensorKind;
    if (!c.crosses()) return {};
    return {
        {K::kCrossNorm, "cross_norm", true, 1, c.dim},
        {K::kCrossNormBias, "cross_norm_bias", c.norm == NormKind::kLayer, 1, c.dim},
        {K::kCrossWq, "cross_wq", true, c.q_dim(), c.dim},
        {K::kCrossBq, "cross_bq", c.qkv_bias, 1, c.q_dim()},
        {K::kCrossWk, "cross_wk", true, c.kv_dim(), c.dim},
        {K::kCrossBk, "cross_bk", c.qkv_bias, 1, c.kv_dim()},
        {K::kCrossWv, "cross_wv", true, c.kv_dim(), c.dim},
        {K::kCrossBv, "cross_bv", c.qkv_bias, 1, c.kv_dim()},
        {K::kCrossWo, "cross_wo", true, c.dim, c.q_dim()},
        {K::kCrossBo, "cross_bo", c.out_bias, 1, c.dim},
    };
}

// In canonical order.
std::vector<Shape> shapes_of(const ModelConfig& c, std::uint32_t layer) {
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
    const auto whole = [&](Projection p, bool present) {
        const std::uint32_t rank = c.rank(p, layer);
        const std::uint64_t inner = c.inner_width(p, rank);
        return Shape{matrix_of(p), kNames[static_cast<std::size_t>(p)], present, c.outputs(p),
                     rank == 0 ? c.inputs(p) : inner / c.blocks(p).left};
    };
    const auto right = [&](Projection p) {
        const std::uint32_t rank = c.rank(p, layer);
        return Shape{right_factor_of(p), kNames[static_cast<std::size_t>(p)], rank > 0,
                     c.inner_width(p, rank), c.inputs(p) / c.blocks(p).right};
    };
    using P = Projection;
    std::vector<Shape> shapes = {
        {K::kTokenEmbedding, "token_embedding", true, c.vocab, dim},
        {K::kPositionEmbedding, "position_embedding", c.positions == PositionKind::kLearned,
         c.context, dim},
        {K::kTypeEmbedding, "type_embedding", c.token_types > 0, c.token_types, dim},
        {K::kEmbeddingNorm, "embedding_norm", c.embedding_norm, 1, dim},
        {K::kEmbeddingNormBias, "embedding_norm_bias", c.embedding_norm && shifted, 1, dim},
        {K::kAttnNorm, "attn_norm", true, 1, dim},
        {K::kAttnNormBias, "attn_norm_bias", shifted, 1, dim},
        right(P::kQuery),
        whole(P::kQuery, true),
        {K::kBq, "bq", c.qkv_bias, 1, q},
        right(P::kKey),
        whole(P::kKey, true),
        {K::kBk, "bk", c.qkv_bias, 1, kv},
        right(P::kValue),
        whole(P::kValue, true),
        {K::kBv, "bv", c.qkv_bias, 1, kv},
        {K::kQNorm, "q_norm", c.qk_norm, 1, head},
        {K::kKNorm, "k_norm", c.qk_norm, 1, head},
        right(P::kOutput),
        whole(P::kOutput, true),
        {K::kBo, "bo", c.out_bias, 1, dim},
        {K::kAttnPostNorm, "attn_post_norm", behind, 1, dim},
        {K::kFfnNorm, "ffn_norm", true, 1, dim},
        {K::kFfnNormBias, "ffn_norm_bias", shifted, 1, dim},
        right(P::kGate),
        whole(P::kGate, gated),
        {K::kBGate, "b_gate", gated && c.ffn_bias, 1, hidden},
        right(P::kUp),
        whole(P::kUp, true),
        {K::kBUp, "b_up", c.ffn_bias, 1, hidden},
        right(P::kDown),
        whole(P::kDown, true),
        {K::kBDown, "b_down", c.ffn_bias, 1, dim},
        {K::kFfnPostNorm, "ffn_post_norm", behind, 1, dim},
        {K::kFinalNorm, "final_norm", final, 1, dim},
        {K::kFinalNormBias, "final_norm_bias", final && shifted, 1, dim},
        {K::kHead, "head", c.has_head() && !c.tied_head, c.vocab, dim},
        {K::kHeadBias, "head_bias", c.head_bias, 1, c.vocab},
    };
    const std::vector<Shape> cross = cross_shapes(c);
    shapes.insert(std::ranges::find(shapes, K::kFfnNorm, &Shape::kind), cross.begin(), cross.end());
    return shapes;
}

// Kinds whose single row still is a matrix.
bool is_matrix(TensorKind kind) {
    if (projection_of(kind)) return true;
    switch (kind) {
        case TensorKind::kTokenEmbedding:
        case TensorKind::kPositionEmbedding:
        case TensorKind::kTypeEmbedding:
        case TensorKind::kCrossWq:
        case TensorKind::kCrossWk:
        case TensorKind::kCrossWv:
        case TensorKind::kCrossWo:
        case TensorKind::kHead:
            return true;
        default:
            return false;
    }
}

// "layers.3.wq", or with factors "layers.3.wq.right" and "layers.3.wq.left".
std::string name_in_layer(const ModelConfig& config, std::uint32_t layer, const Shape& shape) {
    std::string name = "layers." + std::to_string(layer) + "." + shape.name;
    const auto projection = projection_of(shape.kind);
    if (projection && config.rank(*projection, layer) > 0)
        name += is_right_factor(shape.kind) ? ".right" : ".left";
    return name;
}

}  // namespace

TensorKind matrix_of(Projection projection) {
    return kMatrices[static_cast<std::size_t>(projection)];
}

TensorKind right_factor_of(Projection projection) {
    return kRights[static_cast<std::size_t>(projection)];
}

std::optional<Projection> projection_of(TensorKind kind) {
    for (std::size_t i = 0; i < kProjections; ++i)
        if (kMatrices[i] == kind || kRights[i] == kind) return static_cast<Projection>(i);
    return std::nullopt;
}

ParameterLayout::ParameterLayout(const ModelConfig& config, std::uint64_t tile)
    : config_(config), tile_(tile) {
    CHECK(validate(config).ok());
    CHECK(tile >= 1);
    places_.resize(config.layers);
    for (auto& places : places_) places.fill(kNone);
    const auto add = [&](const Shape& shape, std::uint32_t layer, std::string name) {
        if (!shape.present) return;
        places_[layer][static_cast<std::size_t>(shape.kind)] =
            static_cast<std::uint32_t>(tensors_.size());
        TensorInfo info{shape.kind, layer, std::move(name),      shape.rows,
                        shape.cols, size_, is_matrix(shape.kind)};
        parameters_ += info.size();
        size_ += (info.size() + tile_ - 1) / tile_ * tile_;
        tensors_.push_back(std::move(info));
    };
    const auto add_outside = [&](bool after) {
        for (const Shape& shape : shapes_of(config, 0))
            if (!is_per_layer(shape.kind) && (shape.kind > TensorKind::kFfnPostNorm) == after)
                add(shape, 0, shape.name);
    };
    add_outside(false);
    for (std::uint32_t layer = 0; layer < config.layers; ++layer)
        for (const Shape& shape : shapes_of(config, layer))
            if (is_per_layer(shape.kind)) add(shape, layer, name_in_layer(config, layer, shape));
    add_outside(true);
}

bool ParameterLayout::has(TensorKind kind, std::uint32_t layer) const {
    CHECK(layer < (is_per_layer(kind) ? config_.layers : 1));
    return places_[layer][static_cast<std::size_t>(kind)] != kNone;
}

const TensorInfo& ParameterLayout::at(TensorKind kind, std::uint32_t layer) const {
    CHECK(has(kind, layer));
    return tensors_[places_[layer][static_cast<std::size_t>(kind)]];
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
