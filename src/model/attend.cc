#include "model/attend.h"

namespace cairn::model {

using tensor::Matrix;

void attend(const LayerGraph& g, const RopeTables& ropes, std::uint32_t layer,
            const LayerBuffers& b, std::span<const Segment> segments,
            std::vector<tensor::AttentionForward>& calls) {
    calls.clear();  // keeps its memory
    std::size_t row = 0;
    for (const Segment& segment : segments) {
        const std::size_t n = segment.tokens;
        if (n == 0) continue;
        const Matrix q = b.query.row_range(row, n);
        const Matrix k = b.key.row_range(row, n);
        const Matrix v = b.value.row_range(row, n);
        const std::size_t first = segment.cache == nullptr ? 0 : segment.cache->length();
        const tensor::AttentionShape shape = attention_shape(g.config, layer, 1, n, first);
        rotate(g, ropes.of(g.config, layer), {.tokens = n, .first = first}, q, k);
        tensor::KvRows keys = k;
        tensor::KvRows values = v;
        if (segment.cache != nullptr) {
            segment.cache->write(layer, k, v);
            keys = segment.cache->keys(layer, shape.keys());
            values = segment.cache->values(layer, shape.keys());
        }
        calls.push_back({shape, q, keys, values, b.attn_output.row_range(row, n), {}});
        row += n;
    }
    tensor::attention_forward(g.compute, calls);
}

}  // namespace cairn::model
