// CONSENSUS: changing a result here splits the network.
//
// Which rows of a training pass belong together: its texts, all of one length or each of its own
// (LayerContext), and the other text that each sees by cross attention. For layer_pass.cc.
#pragma once

#include <vector>

#include "model/layer_pass.h"

namespace cairn::model {

/// Texts of one length that stand one behind the other: what attention and rotation take at once.
struct TextRun {
    std::size_t first;  ///< row
    std::size_t texts;
    std::size_t length;

    std::size_t rows() const { return texts * length; }
};

inline std::vector<TextRun> runs_of(const LayerContext& context, std::size_t rows) {
    if (context.lengths.empty()) {
        CHECK(rows % context.sequence == 0);
        return {{0, rows / context.sequence, context.sequence}};
    }
    std::vector<TextRun> runs;
    std::size_t at = 0;
    for (const std::size_t length : context.lengths) {
        runs.push_back({at, 1, length});
        at += length;
    }
    CHECK(at == rows);
    return runs;
}

inline tensor::AttentionStats stats_from(const LayerContext& context, std::size_t row,
                                         std::vector<float>& max, std::vector<float>& sum) {
    return {max.data() + row * context.config.heads, sum.data() + row * context.config.heads};
}

/// f(rows of the text, rows of the other text that it sees) for each text of a pass with cross
/// attention.
template <typename F>
void for_each_pair(const LayerContext& context, F f) {
    CHECK(context.source != nullptr && context.source->lengths.size() == context.lengths.size());
    TextRun text{0, 1, 0}, source{0, 1, 0};
    for (std::size_t i = 0; i < context.lengths.size(); ++i) {
        text.length = context.lengths[i];
        source.length = context.source->lengths[i];
        f(text, source);
        text.first += text.length;
        source.first += source.length;
    }
    CHECK(source.first == context.source->states.rows);
}

}  // namespace cairn::model
