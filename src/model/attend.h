// Self-attention of a batch of sequences, between the two halves of a layer (layer.h): queries and
// keys are rotated, keys and values written to each sequence's cache, and all of them attended to.
// For a whole model (transformer.h) and for some of its heads (share_layers.h).
#pragma once

#include <span>
#include <vector>

#include "model/kv_cache.h"
#include "model/layer.h"
#include "tensor/state_type.h"

namespace cairn::model {

/// Consecutive rows of a batch that belong to one sequence. An encoder's segments are whole
/// sequences and have no cache.
struct Segment {
    KvCache* cache = nullptr;
    std::size_t tokens = 0;
    tensor::StateType states =
        tensor::StateType::kF32;  ///< its rows are rounded to, layer by layer
    /// With cross attention: what read_source() made of the other text.
    const KvCache* source = nullptr;
};

/// b.attn_output from b.query, b.key and b.value, whose rows are those of the segments one after
/// another; positions begin at each cache's length, which stays. `calls` is memory for it.
void attend(const LayerGraph& g, const RopeTables& ropes, std::uint32_t layer,
            const LayerBuffers& b, std::span<const Segment> segments,
            std::vector<tensor::AttentionForward>& calls);

}  // namespace cairn::model
