// The forward pass for inference, in three parts that may run in different processes: embed turns
// tokens into hidden states, forward takes hidden states through layers [a, b), head turns them
// into logits. Batch invariance holds by construction (N1): n tokens at once, one at a
// time, cut over processes or mixed with other people's sequences give the same bits.
//
//   Transformer model(config, weights, all_layers(config), compute, {.max_batch = 256});
//   KvCache cache(config, all_layers(config), config.context);
//   model.embed(tokens, 0, hidden);  model.forward(hidden, cache);  model.head(last, logits);
//
// All scratch memory is taken by the constructor; nothing allocates per token. What a layer is
// stands in layer.h. Encoders have a class of their own: encoder.h.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/attend.h"
#include "model/layer_workspace.h"

namespace cairn::model {

/// The largest calls that memory is allocated for.
struct TransformerBounds {
    std::size_t max_batch = 256;    ///< tokens of one call
    std::size_t max_positions = 0;  ///< longest sequence; 0 means config.context
};

class Transformer {
  public:
    /// Runs the layers of `range`; the memory behind `weights` and `compute` must outlive it. embed
    /// and head work whenever their tensors are present. Memory grows with the bounds.
    Transformer(const ModelConfig& config, Weights weights, LayerRange range,
                const tensor::Compute& compute, const TransformerBounds& bounds = {});
    Transformer(const Transformer&) = delete;
    Transformer& operator=(const Transformer&) = delete;

    const ModelConfig& config() const { return config_; }
    LayerRange range() const { return range_; }
    std::size_t max_batch() const { return bounds_.max_batch; }
    std::size_t max_positions() const { return bounds_.max_positions; }
    /// From now on `products` makes the layers' products (not the head's); it must outlive this.
    void set_products(Products* products) { products_ = products; }

    /// hidden[n, dim] of tokens that stand at `first_position` and after it. CHECKs that tokens <
    /// vocab and that positions < max_positions().
    void embed(std::span<const std::uint32_t> tokens, std::size_t first_position,
               std::span<float> hidden);
    /// Of a decoder with cross attention: the keys and values that its layers, those of `source`,
    /// see of another text, from its states [n, dim], an encoder's output. Once a text, or part
    /// after part; CHECKs that there is room.
    void read_source(std::span<const float> states, KvCache& source);
    /// hidden[n, dim] through the cache's layers, all of range() or a part of it, in place;
    /// positions begin at cache.length(), which grows by n. CHECKs n <= max_batch and that the
    /// cache has room. The rows are rounded to `states` before the first and after every layer
    /// (N48). `source` as in Segment.
    void forward(std::span<float> hidden, KvCache& cache,
                 tensor::StateType states = tensor::StateType::kF32,
                 const KvCache* source = nullptr);
    /// The same for several sequences at once: their tokens add up to the rows, their layers agree.
    void forward_segments(std::span<float> hidden, std::span<const Segment> segments);
    /// The same through the layers of `run` alone, which range() contains: an encoder's work in
    /// pieces. Where segments have caches, those are of `run`.
    void forward_layers(std::span<float> hidden, std::span<const Segment> segments, LayerRange run);
    /// hidden[n, dim] through the final norm, in place, where the model has one: an encoder's
    /// output.
    void finish(std::span<float> hidden);
    /// logits[n, vocab] from hidden[n, dim], n <= max_batch: final norm, head product, its bias.
    void head(std::span<const float> hidden, std::span<float> logits);

  private:
    LayerGraph graph() const { return {config_, compute_, products_}; }
    void attend_source(std::uint32_t layer, const LayerBuffers& b,
                       std::span<const Segment> segments);
    void reserve();
    void check(std::span<const Segment> segments, std::size_t rows, LayerRange run) const;
    void round_rows(tensor::Matrix x, std::span<const Segment> segments) const;

    ModelConfig config_;
    Weights weights_;
    LayerRange range_;
    tensor::Compute compute_;
    Products* products_ = nullptr;
    TransformerBounds bounds_;
    RopeTables rope_;
    std::vector<float> sinusoids_;  // [max_positions, dim] or nothing
    std::vector<float> row_;        // [dim]
    std::vector<tensor::AttentionForward> calls_;
    bool reserved_ = false;     // the threads' memory for decoding
    LayerWorkspace workspace_;  // without layers only `normed`, for the head
};

}  // namespace cairn::model
