// KvCache: the keys and values of one sequence for a range of layers. Its type is part of a
// session and so of the bits: values are rounded once when they are written and read back before
// any use, so that every split of a sequence into prefill and decode agrees (numerics rule 5).
//
// CONSENSUS: changing a result here splits the network.
#pragma once

#include <span>
#include <vector>

#include "model/weights.h"

namespace cairn::model {

enum class KvType : std::uint8_t { kF32 };

class KvCache {
  public:
    /// Room for `capacity` positions (at most config.context). All memory is taken here.
    KvCache(const ModelConfig& config, LayerRange range, std::size_t capacity,
            KvType type = KvType::kF32);

    LayerRange range() const { return range_; }
    KvType type() const { return type_; }
    std::size_t capacity() const { return capacity_; }
    /// Positions filled; the next token is written at this position.
    std::size_t length() const { return length_; }
    /// Forgets the positions from `length` on (failover, speculative decoding).
    void truncate(std::size_t length);
    /// Declares the next `tokens` positions filled; the transformer calls it after the last layer.
    void advance(std::size_t tokens);

    /// [capacity, kv_dim] of a layer in range.
    std::span<float> keys(std::uint32_t layer);
    std::span<float> values(std::uint32_t layer);

  private:
    std::span<float> plane(std::uint32_t layer, std::size_t which);

    LayerRange range_;
    KvType type_;
    std::size_t capacity_;
    std::size_t kv_dim_;
    std::size_t length_ = 0;
    std::vector<float> data_;  // [layer][keys, values][capacity, kv_dim]
};

}  // namespace cairn::model
