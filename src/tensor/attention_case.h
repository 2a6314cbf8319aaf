// For tests: one attention call with all its inputs and outputs, forward and backward, on values
// from Philox.
#pragma once

#include <vector>

#include "tensor/attention.h"
#include "tensor/test_values.h"

namespace cairn::tensor {

struct AttentionCase {
    AttentionShape shape;  ///< first_position is 0
    std::size_t rows = shape.sequences * shape.queries;
    std::size_t key_rows = shape.sequences * shape.keys();
    std::size_t q_cols = shape.heads * shape.head_dim;
    std::size_t kv_cols = shape.kv_heads * shape.head_dim;
    std::vector<float> q, k, v, dout;

    /// Inputs from streams `stream` to `stream + 3`; each `every`-th extreme, unless that is 0.
    AttentionCase(const AttentionShape& s, std::uint64_t stream, std::size_t every = 0)
        : shape(s),
          q(normal_values(rows * q_cols, stream)),
          k(normal_values(key_rows * kv_cols, stream + 1)),
          v(normal_values(key_rows * kv_cols, stream + 2)),
          dout(normal_values(rows * q_cols, stream + 3)) {
        if (every == 0) return;
        q = among_extremes(q, every * 7);
        k = among_extremes(k, every * 5);
        v = among_extremes(v, every);
        dout = among_extremes(dout, every * 2);
    }

    /// out, max, sum, dq, dk, dv.
    Results run(const Compute& compute) const {
        std::vector<float> out(q.size()), max(rows * shape.heads), sum(max.size());
        std::vector<float> dq(q.size()), dk(k.size()), dv(v.size());
        const AttentionStats stats{max.data(), sum.data()};
        const Matrix out_view(out.data(), rows, q_cols);
        const ConstMatrix q_view(q.data(), rows, q_cols), dout_view(dout.data(), rows, q_cols);
        const ConstMatrix k_view(k.data(), key_rows, kv_cols), v_view(v.data(), key_rows, kv_cols);
        attention_forward(compute, shape, q_view, k_view, v_view, out_view, stats);
        attention_backward(compute, shape, dout_view, q_view, k_view, v_view, out_view, stats,
                           {dq.data(), rows, q_cols}, {dk.data(), key_rows, kv_cols},
                           {dv.data(), key_rows, kv_cols});
        return {out, max, sum, dq, dk, dv};
    }
};

/// Odd shapes: heads shared or not, one token, several blocks of keys, heads longer than a tile;
/// the last with extremes.
inline std::vector<AttentionCase> odd_attentions(bool causal, std::uint64_t stream) {
    const AttentionShape shapes[] = {
        {2, 128, 0, 4, 4, 24, causal}, {1, 1, 0, 1, 1, 1, causal},    {3, 77, 0, 4, 2, 16, causal},
        {1, 330, 0, 3, 1, 33, causal}, {1, 70, 0, 2, 2, 300, causal}, {1, 150, 0, 2, 1, 64, causal},
    };
    std::vector<AttentionCase> cases;
    for (const AttentionShape& shape : shapes) cases.emplace_back(shape, stream);
    for (const std::size_t window : {1U, 40U, 64U, 65U, 100U, 1000U})
        if (causal) cases.emplace_back(AttentionShape{1, 330, 0, 2, 1, 16, true, window}, stream);
    cases[5] = AttentionCase(shapes[5], stream, 1291);
    return cases;
}

/// Attention to another text: fewer queries than keys and more, several blocks of keys and chunks
/// of queries, one of either; the last with extremes.
inline std::vector<AttentionCase> odd_rectangles(std::uint64_t stream) {
    struct Rectangle {
        std::size_t sequences, queries, keys, heads, kv_heads, head_dim;
    };
    const Rectangle rectangles[] = {{2, 70, 139, 4, 2, 24}, {1, 330, 65, 3, 1, 33},
                                    {3, 1, 200, 2, 2, 16},  {2, 77, 1, 4, 2, 16},
                                    {1, 600, 64, 2, 1, 64}, {1, 90, 300, 2, 1, 40}};
    std::vector<AttentionCase> cases;
    for (const Rectangle& r : rectangles)
        cases.emplace_back(
            AttentionShape{r.sequences, r.queries, 0, r.heads, r.kv_heads, r.head_dim,
                           /*causal=*/false, /*window=*/0, r.keys},
            stream, cases.size() == 5 ? 1291 : 0);
    return cases;
}

}  // namespace cairn::tensor
