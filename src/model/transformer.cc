#include "model/transformer.h"

#include <algorithm>
#include <utility>

#include "model/embed.h"
#include "tensor/bias.h"
#include "tensor/weight.h"

namespace cairn::model {

using tensor::ConstMatrix;
using tensor::Matrix;

namespace {

/// What the segments' caches are for; an encoder's run through all layers.
LayerRange layers_of(std::span<const Segment> segments, LayerRange all) {
    const bool cached = !segments.empty() && segments.front().cache != nullptr;
    return cached ? segments.front().cache->range() : all;
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
    if (range.size() > 0) rope_ = rope_tables(config, bounds_.max_positions);
    if (!weights_.token_embedding.empty())
        sinusoids_ = position_table(config, bounds_.max_positions);
    row_.resize(config.dim);
    calls_.reserve(bounds.max_batch);
    if (range.size() > 0)
        workspace_ = LayerWorkspace(config, bounds.max_batch, LayerSteps::kAll);
    else
        workspace_.normed.resize(bounds.max_batch * config.dim);
}

void Transformer::embed(std::span<const std::uint32_t> tokens, std::size_t first_position,
                        std::span<float> hidden) {
    CHECK(!weights_.token_embedding.empty());
    CHECK(hidden.size() == tokens.size() * config_.dim);
    CHECK(first_position + tokens.size() <= bounds_.max_positions);
    const Matrix x(hidden.data(), tokens.size(), config_.dim);
    embed_tokens(graph(), weights_, sinusoids_, tokens, {first_position, tokens.size()}, row_, x);
    if (config_.embedding_norm)
        norm_forward(graph(), x, weights_.embedding_norm, weights_.embedding_norm_bias, x);
}

void Transformer::read_source(std::span<const float> states, KvCache& source) {
    const LayerRange run = source.range();
    CHECK(config_.crosses() && run.begin >= range_.begin && run.end <= range_.end);
    const std::size_t rows = states.size() / config_.dim;
    CHECK(rows * config_.dim == states.size() && rows <= source.capacity() - source.length());
    for (std::size_t at = 0; at < rows; at += bounds_.max_batch) {
        const std::size_t n = std::min(bounds_.max_batch, rows - at);
        const ConstMatrix x(states.data() + at * config_.dim, n, config_.dim);
        const Matrix keys(workspace_.key.data(), n, config_.kv_dim());
        const Matrix values(workspace_.value.data(), n, config_.kv_dim());
        for (std::uint32_t layer = run.begin; layer < run.end; ++layer) {
            cross_keys_values(graph(), weights_.layers[layer], x, keys, values);
            source.write(layer, keys, values);
        }
        source.advance(n);
    }
}

void Transformer::forward(std::span<float> hidden, KvCache& cache, tensor::StateType states,
                          const KvCache* source) {
    const Segment segment{&cache, hidden.size() / config_.dim, states, source};
    forward_segments(hidden, std::span(&segment, 1));
}

void Transformer::check(std::span<const Segment> segments, std::size_t rows, LayerRange run) const {
    CHECK(run.begin >= range_.begin && run.end <= range_.end);
    std::size_t covered = 0;
    for (const Segment& segment : segments) {
        CHECK((segment.cache != nullptr) == config_.causal);
        std::size_t length = segment.tokens;
        if (segment.cache != nullptr) {
            CHECK(segment.cache->range() == run);
            length += segment.cache->length();
            CHECK(length <= segment.cache->capacity());
        }
        CHECK(length <= bounds_.max_positions);
        CHECK((segment.source != nullptr) == config_.crosses());
        if (segment.source != nullptr)
            CHECK(segment.source->range() == run && segment.source->length() > 0);
        covered += segment.tokens;
    }
    CHECK(covered == rows);
}

void Transformer::forward_segments(std::span<float> hidden, std::span<const Segment> segments) {
    forward_layers(hidden, segments, layers_of(segments, range_));
}

void Transformer::forward_layers(std::span<float> hidden, std::span<const Segment> segments,
                                 LayerRange run) {
    const std::size_t rows = hidden.size() / config_.dim;
    CHECK(rows * config_.dim == hidden.size() && rows <= bounds_.max_batch);
    check(segments, rows, run);
    if (rows == 0 || run.size() == 0) return;
    reserve();
    const Matrix x(hidden.data(), rows, config_.dim);
    round_rows(x, segments);
    for (std::uint32_t layer = run.begin; layer < run.end; ++layer) {
        const LayerBuffers b = workspace_.buffers(config_, layer, x);
        before_attention(graph(), weights_.layers[layer], b, x);
        attend(graph(), rope_, layer, b, segments, calls_);
        if (config_.crosses()) {
            before_cross_attention(graph(), weights_.layers[layer], b);
            attend_source(layer, b, segments);
            after_cross_attention(graph(), weights_.layers[layer], b, x);
        } else {
            after_attention(graph(), weights_.layers[layer], b, x);
        }
        round_rows(x, segments);
    }
    for (const Segment& segment : segments)
        if (segment.cache != nullptr) segment.cache->advance(segment.tokens);
}

void Transformer::round_rows(Matrix x, std::span<const Segment> segments) const {
    std::size_t row = 0;
    for (const Segment& segment : segments) {
        if (segment.tokens > 0)
            tensor::round_states(segment.states, x.cols, {x.row(row), segment.tokens * x.cols});
        row += segment.tokens;
    }
}

void Transformer::attend_source(std::uint32_t layer, const LayerBuffers& b,
                                std::span<const Segment> segments) {
    calls_.clear();
    std::size_t row = 0;
    for (const Segment& segment : segments) {
        const std::size_t n = segment.tokens;
        if (n == 0) continue;
        const std::size_t source = segment.source->length();
        calls_.push_back({cross_attention_shape(config_, n, source),
                          b.cross_query.row_range(row, n),
                          segment.source->keys(layer, source),
                          segment.source->values(layer, source),
                          b.cross_output.row_range(row, n),
                          {}});
        row += n;
    }
    tensor::attention_forward(compute_, calls_);
}

// The threads' memory for decoding, once.
void Transformer::reserve() {
    if (std::exchange(reserved_, true)) return;
    tensor::reserve_attention(compute_,
                              attention_shape(config_, 0, 1, 1, bounds_.max_positions - 1));
    if (config_.crosses())
        tensor::reserve_attention(compute_,
                                  cross_attention_shape(config_, 1, config_.cross_context));
}

void Transformer::finish(std::span<float> hidden) {
    if (!config_.has_final_norm()) return;
    CHECK(!weights_.final_norm.empty() && hidden.size() % config_.dim == 0);
    const Matrix x(hidden.data(), hidden.size() / config_.dim, config_.dim);
    norm_forward(graph(), x, weights_.final_norm, weights_.final_norm_bias, x);
}

void Transformer::head(std::span<const float> hidden, std::span<float> logits) {
    CHECK(config_.has_head() && !weights_.head.empty());
    const std::size_t rows = hidden.size() / config_.dim;
    CHECK(rows * config_.dim == hidden.size() && rows <= bounds_.max_batch);
    CHECK(logits.size() == rows * config_.vocab);
    const Matrix z(logits.data(), rows, config_.vocab);
    const ConstMatrix x(hidden.data(), rows, config_.dim);
    if (config_.has_final_norm()) {
        CHECK(!weights_.final_norm.empty());
        const Matrix normed(workspace_.normed.data(), rows, config_.dim);
        norm_forward(graph(), x, weights_.final_norm, weights_.final_norm_bias, normed);
        tensor::matmul_nt(compute_, normed, weights_.head, z);
    } else {
        tensor::matmul_nt(compute_, x, weights_.head, z);
    }
    if (!config_.head_bias) return;
    CHECK(!weights_.head_bias.empty());
    tensor::add_bias(compute_, floats(weights_.head_bias), z);
}

}  // namespace cairn::model
