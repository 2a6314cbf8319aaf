// CONSENSUS: changing a result here splits the network.
#include "model/transformer.h"

#include "tensor/attention.h"
#include "tensor/elementwise.h"
#include "tensor/embedding.h"
#include "tensor/matmul.h"
#include "tensor/norm.h"
#include "tensor/swiglu.h"
#include "tensor/weight.h"

namespace cairn::model {

using tensor::ConstMatrix;
using tensor::Matrix;

namespace {

tensor::RopePairing pairing(const ModelConfig& config) {
    return config.rope_interleaved ? tensor::RopePairing::kInterleaved
                                   : tensor::RopePairing::kHalves;
}

}  // namespace

Transformer::Transformer(const ModelConfig& config, Weights weights, LayerRange range,
                         const tensor::Compute& compute, const TransformerBounds& bounds)
    : config_(config),
      weights_(std::move(weights)),
      range_(range),
      compute_(compute),
      bounds_(bounds) {
    CHECK(validate(config).ok());
    CHECK(range.begin <= range.end && range.end <= config.layers);
    CHECK(weights_.layers.size() == config.layers);
    CHECK(bounds.max_batch >= 1);
    if (bounds_.max_positions == 0) bounds_.max_positions = config.context;
    CHECK(bounds_.max_positions <= config.context);
    if (range.size() > 0)
        rope_ = tensor::make_rope_table(config.head_dim(), static_cast<double>(config.rope_theta),
                                        bounds_.max_positions);
    const std::size_t n = bounds.max_batch;
    normed_.resize(n * config.dim);
    query_.resize(n * config.dim);
    key_.resize(n * config.kv_dim());
    value_.resize(n * config.kv_dim());
    mixed_.resize(n * config.dim);
    gate_.resize(n * config.hidden_dim);
    up_.resize(n * config.hidden_dim);
}

void Transformer::embed(std::span<const std::uint32_t> tokens, std::span<float> hidden) const {
    CHECK(!weights_.token_embedding.empty());
    CHECK(hidden.size() == tokens.size() * config_.dim);
    for (const std::uint32_t token : tokens) CHECK(token < config_.vocab);
    tensor::embedding_forward(compute_, weights_.token_embedding.f32(), tokens,
                              Matrix(hidden.data(), tokens.size(), config_.dim));
}

void Transformer::forward(std::span<float> hidden, KvCache& cache) {
    const Segment segment{&cache, hidden.size() / config_.dim};
    forward_segments(hidden, std::span(&segment, 1));
}

void Transformer::forward_segments(std::span<float> hidden, std::span<const Segment> segments) {
    const std::size_t rows = hidden.size() / config_.dim;
    CHECK(rows * config_.dim == hidden.size() && rows <= bounds_.max_batch);
    std::size_t covered = 0;
    for (const Segment& segment : segments) {
        CHECK(segment.cache->range() == range_);
        CHECK(segment.cache->length() + segment.tokens <= segment.cache->capacity());
        CHECK(segment.cache->length() + segment.tokens <= bounds_.max_positions);
        covered += segment.tokens;
    }
    CHECK(covered == rows);
    if (rows == 0) return;
    const Matrix x(hidden.data(), rows, config_.dim);
    for (std::uint32_t layer = range_.begin; layer < range_.end; ++layer) {
        attention_block(layer, x, segments);
        feed_forward_block(layer, x);
    }
    for (const Segment& segment : segments) segment.cache->advance(segment.tokens);
}

// x = x + wo * attention(rope(wq * n), rope(wk * n), wv * n), n = norm(x)
void Transformer::attention_block(std::uint32_t layer, Matrix x,
                                  std::span<const Segment> segments) {
    const LayerWeights& w = weights_.layers[layer];
    const std::size_t rows = x.rows;
    const std::size_t dim = config_.dim;
    const std::size_t kv_dim = config_.kv_dim();
    const Matrix normed(normed_.data(), rows, dim);
    const Matrix query(query_.data(), rows, dim);
    const Matrix key(key_.data(), rows, kv_dim);
    const Matrix value(value_.data(), rows, kv_dim);
    const Matrix mixed(mixed_.data(), rows, dim);
    tensor::rmsnorm_forward(compute_, x, floats(w.attn_norm), config_.norm_eps, normed, nullptr);
    tensor::matmul_nt(compute_, normed, w.wq, query);
    tensor::matmul_nt(compute_, normed, w.wk, key);
    tensor::matmul_nt(compute_, normed, w.wv, value);
    std::size_t row = 0;
    for (const Segment& segment : segments) {
        if (segment.tokens == 0) continue;
        KvCache& cache = *segment.cache;
        const std::size_t n = segment.tokens;
        const tensor::RopeRows positions{.tokens = n, .first = cache.length()};
        const Matrix q = query.row_range(row, n);
        const Matrix k = key.row_range(row, n);
        tensor::rope_forward(compute_, rope_, pairing(config_), positions, q);
        tensor::rope_forward(compute_, rope_, pairing(config_), positions, k);
        cache.write(layer, k, value.row_range(row, n));
        const tensor::AttentionShape shape{.sequences = 1,
                                           .queries = n,
                                           .first_position = cache.length(),
                                           .heads = config_.heads,
                                           .kv_heads = config_.kv_heads,
                                           .head_dim = config_.head_dim()};
        tensor::attention_forward(compute_, shape, q, cache.keys(layer, shape.keys()),
                                  cache.values(layer, shape.keys()), mixed.row_range(row, n), {});
        row += n;
    }
    tensor::matmul_nt(compute_, mixed, w.wo, normed);
    tensor::add(compute_, rows * dim, x.data, normed.data, x.data);
}

// x = x + w_down * (silu(w_gate * n) .* (w_up * n)), n = norm(x)
void Transformer::feed_forward_block(std::uint32_t layer, Matrix x) {
    const LayerWeights& w = weights_.layers[layer];
    const std::size_t rows = x.rows;
    const std::size_t dim = config_.dim;
    const std::size_t hidden = config_.hidden_dim;
    const Matrix normed(normed_.data(), rows, dim);
    const Matrix gate(gate_.data(), rows, hidden);
    const Matrix up(up_.data(), rows, hidden);
    tensor::rmsnorm_forward(compute_, x, floats(w.ffn_norm), config_.norm_eps, normed, nullptr);
    tensor::matmul_nt(compute_, normed, w.w_gate, gate);
    tensor::matmul_nt(compute_, normed, w.w_up, up);
    tensor::swiglu_forward(compute_, rows * hidden, gate.data, up.data, gate.data);
    tensor::matmul_nt(compute_, gate, w.w_down, normed);
    tensor::add(compute_, rows * dim, x.data, normed.data, x.data);
}

void Transformer::head(std::span<const float> hidden, std::span<float> logits) {
    CHECK(!weights_.final_norm.empty() && !weights_.head.empty());
    const std::size_t rows = hidden.size() / config_.dim;
    CHECK(rows * config_.dim == hidden.size() && rows <= bounds_.max_batch);
    CHECK(logits.size() == rows * config_.vocab);
    const Matrix normed(normed_.data(), rows, config_.dim);
    tensor::rmsnorm_forward(compute_, ConstMatrix(hidden.data(), rows, config_.dim),
                            floats(weights_.final_norm), config_.norm_eps, normed, nullptr);
    tensor::matmul_nt(compute_, normed, weights_.head, Matrix(logits.data(), rows, config_.vocab));
}

}  // namespace cairn::model
