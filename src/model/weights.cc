// CONSENSUS: changing a result here splits the network.
#include "model/weights.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/large_pages.h"
#include "model/initial_tensor.h"
#include "tensor/elementwise.h"
#include "tensor/philox.h"

namespace cairn::model {

using tensor::Weight;

namespace {

constexpr double kInitialDeviation = 0.02;

Weight LayerWeights::*member_of(TensorKind kind) {
    using K = TensorKind;
    using L = LayerWeights;
    // In the order of the kinds, from kAttnNorm on.
    static constexpr Weight L::*kMembers[] = {&L::attn_norm,
                                              &L::attn_norm_bias,
                                              &L::wq_right,
                                              &L::wq,
                                              &L::bq,
                                              &L::wk_right,
                                              &L::wk,
                                              &L::bk,
                                              &L::wv_right,
                                              &L::wv,
                                              &L::bv,
                                              &L::q_norm,
                                              &L::k_norm,
                                              &L::wo_right,
                                              &L::wo,
                                              &L::bo,
                                              &L::attn_post_norm,
                                              &L::cross_norm,
                                              &L::cross_norm_bias,
                                              &L::cross_wq,
                                              &L::cross_bq,
                                              &L::cross_wk,
                                              &L::cross_bk,
                                              &L::cross_wv,
                                              &L::cross_bv,
                                              &L::cross_wo,
                                              &L::cross_bo,
                                              &L::ffn_norm,
                                              &L::ffn_norm_bias,
                                              &L::w_gate_right,
                                              &L::w_gate,
                                              &L::b_gate,
                                              &L::w_up_right,
                                              &L::w_up,
                                              &L::b_up,
                                              &L::w_down_right,
                                              &L::w_down,
                                              &L::b_down,
                                              &L::ffn_post_norm};
    static_assert(std::size(kMembers) == static_cast<std::size_t>(K::kFfnPostNorm) -
                                             static_cast<std::size_t>(K::kAttnNorm) + 1);
    return kMembers[static_cast<std::size_t>(kind) - static_cast<std::size_t>(K::kAttnNorm)];
}

bool starts_at_one(TensorKind kind) {
    using K = TensorKind;
    return kind == K::kEmbeddingNorm || kind == K::kAttnNorm || kind == K::kQNorm ||
           kind == K::kKNorm || kind == K::kFfnNorm || kind == K::kFinalNorm ||
           kind == K::kAttnPostNorm || kind == K::kCrossNorm || kind == K::kFfnPostNorm;
}

constexpr std::size_t kLineBytes = 64;

std::size_t to_line(std::size_t bytes) {
    return (bytes + kLineBytes - 1) / kLineBytes * kLineBytes;
}

// Blocks of rows that are products of their own must begin where a panel does; a weight may have
// some of the blocks only (layer_share.h).
bool can_be_cut(const ModelConfig& config, const TensorInfo& info, const Weight& weight) {
    const auto projection = projection_of(info.kind);
    if (!projection || config.rank(*projection, info.layer) == 0) return true;
    const FactorBlocks blocks = config.blocks(*projection);
    const std::uint32_t count = is_right_factor(info.kind) ? blocks.right : blocks.left;
    return count == 1 || tensor::can_take_rows(weight.type, info.rows / count);
}

bool is_packable(const ModelConfig& config, const TensorInfo& info, const Weight& weight) {
    return info.is_matrix && info.kind != TensorKind::kPositionEmbedding &&
           info.kind != TensorKind::kTypeEmbedding && !weight.packed &&
           can_be_cut(config, info, weight);
}

std::size_t bytes_after_packing(const ModelConfig& config, const TensorInfo& info,
                                const Weight& weight) {
    if (weight.empty()) return 0;
    if (weight.packed || is_packable(config, info, weight))
        return to_line(tensor::packed_bytes(weight.type, weight.rows, weight.cols));
    return to_line(weight.canonical_bytes());
}

}  // namespace

Weight& tensor_at(Weights& weights, TensorKind kind, std::uint32_t layer) {
    if (is_per_layer(kind)) {
        CHECK(layer < weights.layers.size());
        return weights.layers[layer].*member_of(kind);
    }
    switch (kind) {
        case TensorKind::kTokenEmbedding:
            return weights.token_embedding;
        case TensorKind::kPositionEmbedding:
            return weights.position_embedding;
        case TensorKind::kTypeEmbedding:
            return weights.type_embedding;
        case TensorKind::kEmbeddingNorm:
            return weights.embedding_norm;
        case TensorKind::kEmbeddingNormBias:
            return weights.embedding_norm_bias;
        case TensorKind::kFinalNorm:
            return weights.final_norm;
        case TensorKind::kFinalNormBias:
            return weights.final_norm_bias;
        case TensorKind::kHead:
            return weights.head;
        default:
            CHECK(kind == TensorKind::kHeadBias);
            return weights.head_bias;
    }
}

const Weight& tensor_at(const LayerWeights& layer, TensorKind kind) {
    CHECK(is_per_layer(kind));
    return layer.*member_of(kind);
}

const Weight& tensor_at(const Weights& weights, TensorKind kind, std::uint32_t layer) {
    return tensor_at(const_cast<Weights&>(weights), kind, layer);
}

Weights view_weights(const ParameterLayout& layout, std::span<const float> flat) {
    CHECK(flat.size() == layout.size());
    Weights weights;
    weights.layers.resize(layout.config().layers);
    for (const TensorInfo& info : layout.tensors())
        tensor_at(weights, info.kind, info.layer) =
            Weight(tensor::WeightType::kF32, info.rows, info.cols, flat.data() + info.offset);
    if (layout.config().has_head() && layout.config().tied_head)
        weights.head = weights.token_embedding;
    return weights;
}

bool Model::is_dense() const {
    const ParameterLayout shape = layout();
    return std::all_of(shape.tensors().begin(), shape.tensors().end(), [&](const auto& info) {
        return tensor_at(weights, info.kind, info.layer).is_dense_f32();
    });
}

Model make_model(const ModelConfig& config, std::vector<float> parameters, Bytes tokenizer) {
    auto storage = std::make_shared<const std::vector<float>>(std::move(parameters));
    const ParameterLayout layout(config);
    return {config, view_weights(layout, *storage), storage, std::move(tokenizer), {}};
}

std::vector<float> dense_parameters(const Model& model) {
    const ParameterLayout layout = model.layout();
    std::vector<float> flat(layout.size());
    for (const TensorInfo& info : layout.tensors()) {
        const Weight& weight = tensor_at(model.weights, info.kind, info.layer);
        CHECK(!weight.empty());
        for (std::uint64_t row = 0; row < info.rows; ++row)
            tensor::weight_row(weight, row, flat.data() + info.offset + row * info.cols);
    }
    return flat;
}

std::uint64_t packed_model_bytes(const Model& model) {
    const ParameterLayout layout = model.layout();
    std::uint64_t bytes = 0;
    for (const TensorInfo& info : layout.tensors())
        bytes += bytes_after_packing(model.config, info,
                                     tensor_at(model.weights, info.kind, info.layer));
    return bytes;
}

Model pack_model(const tensor::Compute& compute, const Model& model) {
    const ParameterLayout layout = model.layout();
    auto storage = large_page_bytes(packed_model_bytes(model));
    Model packed = model;
    std::uint8_t* at = storage.get();
    for (const TensorInfo& info : layout.tensors()) {
        Weight& weight = tensor_at(packed.weights, info.kind, info.layer);
        const std::size_t size = bytes_after_packing(model.config, info, weight);
        if (size == 0) continue;
        if (is_packable(model.config, info, weight)) {
            weight = tensor::pack_weight(compute, weight, at);
        } else {
            std::memcpy(at, weight.data,
                        weight.packed ? tensor::packed_bytes(weight.type, weight.rows, weight.cols)
                                      : weight.canonical_bytes());
            weight.data = at;
        }
        at += size;
    }
    if (model.config.has_head() && model.config.tied_head)
        packed.weights.head = packed.weights.token_embedding;
    packed.storage = std::move(storage);
    return packed;
}

void initialise_tensor(const ModelConfig& config, const TensorInfo& info, std::uint64_t number,
                       std::uint64_t seed, std::span<float> values) {
    const double residual = kInitialDeviation / std::sqrt(2.0 * config.layers);
    const bool writes_residual = info.kind == TensorKind::kWo ||
                                 info.kind == TensorKind::kCrossWo ||
                                 info.kind == TensorKind::kWDown;
    if (info.is_matrix)
        tensor::philox_normal(seed, number, writes_residual ? residual : kInitialDeviation, values);
    else
        std::fill(values.begin(), values.end(), starts_at_one(info.kind) ? 1.0F : 0.0F);
}

std::vector<float> initial_parameters(const ParameterLayout& layout, std::uint64_t seed) {
    std::vector<float> flat(layout.size(), 0.0F);
    std::uint64_t number = 0;
    for (const TensorInfo& info : layout.tensors())
        initialise_tensor(layout.config(), info, number++, seed,
                          std::span(flat).subspan(info.offset, info.size()));
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
