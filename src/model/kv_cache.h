// KvCache: the keys and values of one sequence for a range of layers, or those that the layers'
// cross attention sees of another text. Its type is part of a session and so decides bits: values
// are rounded once when they are written and read back before any use, so that every split of a
// sequence into prefill and decode agrees (N5). They are stored in that type, in which attention
// reads them.
#pragma once

#include <memory>

#include "model/weights.h"
#include "tensor/attention.h"
#include "tensor/kv_type.h"
#include "tensor/matrix.h"

namespace cairn::model {

using tensor::KvType;

/// Bytes that such a cache takes, so that a bound can be checked before it is allocated.
std::uint64_t kv_cache_bytes(const ModelConfig& config, LayerRange range, std::size_t capacity,
                             KvType type);

class KvCache {
  public:
    /// Room for `capacity` positions (at most config.context, or config.cross_context if that is
    /// more). All memory is taken here, but left as it is: pages that no row was written to cost
    /// nothing. They are large ones, up to 2 MiB for each layer's keys and as much for its values:
    /// decoding reads all of it for every token.
    KvCache(const ModelConfig& config, LayerRange range, std::size_t capacity,
            KvType type = KvType::kF32);
    KvCache(KvCache&&) = default;
    KvCache& operator=(KvCache&&) = default;

    LayerRange range() const { return range_; }
    KvType type() const { return type_; }
    std::size_t capacity() const { return capacity_; }
    /// Positions filled; the next token is written at this position.
    std::size_t length() const { return length_; }
    /// Forgets the positions from `length` on (failover, speculative decoding, a new sequence).
    void truncate(std::size_t length);
    /// Declares the next `tokens` positions filled; the transformer calls it after the last layer.
    void advance(std::size_t tokens);

    /// Writes rows for the next positions of a layer, rounded to the type: keys and values are
    /// [tokens, kv_dim]. advance() makes them count.
    void write(std::uint32_t layer, tensor::ConstMatrix keys, tensor::ConstMatrix values);
    /// Copies the rows of positions [first, first + rows), which must be filled, of all layers:
    /// `out` is [layer][keys, values][rows, kv_dim] of the type, kv_cache_bytes(.., rows, ..) long.
    void copy_rows(std::size_t first, std::size_t rows, std::span<std::uint8_t> out) const;
    /// Fills the next `rows` positions with what copy_rows() gave for the same tokens at the same
    /// positions of another cache of the same model and type.
    void append_rows(std::size_t rows, std::span<const std::uint8_t> from);
    /// The first `rows` positions of a layer, [rows, kv_dim].
    tensor::KvRows keys(std::uint32_t layer, std::size_t rows) const;
    tensor::KvRows values(std::uint32_t layer, std::size_t rows) const;

  private:
    std::size_t plane(std::uint32_t layer, std::size_t which) const;
    tensor::KvRows rows_of(std::uint32_t layer, std::size_t which, std::size_t rows) const;

    LayerRange range_;
    KvType type_;
    std::size_t capacity_;
    std::size_t kv_dim_;
    std::size_t length_ = 0;
    std::shared_ptr<std::uint8_t[]> data_;  // [layer][keys, values][capacity, kv_dim] of the type
};

}  // namespace cairn::model
