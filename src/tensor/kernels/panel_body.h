// N1's product with a weight packed in panels of 16 rows
// (tensor/dense_weight.h), over lanes V. Tiles read the panels as they lie:
// nothing is packed again, and the narrow types widen as they are loaded. Few
// rows of A (decode) are bound by memory, so several panels stream at once.
#pragma once

#include <cstddef>

#include "tensor/kernels.h"
#include "tensor/kernels/matmul_body.h"

namespace cairn::tensor::kernels {

/// The panel that begins at `data`, prefetched 2 KiB ahead: about what memory delivers within its
/// latency.
template <typename E>
[[gnu::always_inline]] inline Panel<E> packed_panel(const E* data, std::size_t cols) {
    return {data, 16, 16 * cols, 2048 / sizeof(E)};
}

/// B as packed panels.
template <typename E>
struct PackedPanels {
    static constexpr bool kFetch = true;
    const E* data;
    std::size_t cols;
    Panel<E> panel(std::size_t k, std::size_t, std::size_t j, std::size_t, std::size_t,
                   float*) const {
        return packed_panel(data + j * cols + k * 16, cols);
    }
};

/// How many panels stream at once for R rows: as many as the accumulators
/// allow, up to 4.
template <typename V>
constexpr std::size_t panels_at_once(std::size_t rows) {
    const std::size_t most = V::kTileRows * V::kTileLanes / rows;
    return most >= 4 ? 4 : most >= 2 ? 2 : 1;
}

/// C[R, up to 16 * P] = A W^T for one group of panels.
template <typename V, std::size_t R, std::size_t P, typename E>
inline void few_rows_panels(std::size_t terms, Operand a, Panel<E> b, Results<float> c) {
    for (std::size_t k = 0; k < terms; k += kChunk) {
        const std::size_t chunk = terms - k < kChunk ? terms - k : kChunk;
        product_tile<V, R, P, true>(chunk, {a.data + k, a.row, 1, 0},
                                    Panel<E>{b.data + 16 * k, b.term, b.lanes, b.ahead},
                                    {k == 0 ? nullptr : c.data, c.stride, c.columns}, c);
    }
}

template <typename V, std::size_t R, typename E>
void few_rows_packed(ConstMatrix a, const E* panels, Matrix c) {
    // Two panels of fp32 keep a single row busy, and fewer streams are read faster; the narrow
    // types need four.
    constexpr std::size_t kPanels = R == 1 && sizeof(E) == 4 ? 2 : panels_at_once<V>(R);
    const Operand rows{a.data, a.stride, 1, 0};
    std::size_t j = 0;
    for (; j + 16 * kPanels <= c.cols; j += 16 * kPanels)
        few_rows_panels<V, R, kPanels>(a.cols, rows, packed_panel(panels + j * a.cols, a.cols),
                                       {c.data + j, c.stride, 16 * kPanels});
    for (; j < c.cols; j += 16)
        few_rows_panels<V, R, 1>(a.cols, rows, packed_panel(panels + j * a.cols, a.cols),
                                 {c.data + j, c.stride, c.cols - j < 16 ? c.cols - j : 16});
}

/// As few_rows_packed for a.rows <= R; everything else goes through blocks of
/// A.
template <typename V, std::size_t R, typename E>
inline void product_packed(ConstMatrix a, const E* panels, Matrix c) {
    if (a.cols == 0 || a.rows > V::kTileRows)
        return product<V>(a.cols, {a.data, a.stride, 1, 0}, PackedPanels<E>{panels, a.cols}, c,
                          false);
    if constexpr (R > 1)
        if (a.rows < R) return product_packed<V, R - 1>(a, panels, c);
    few_rows_packed<V, R>(a, panels, c);
}

template <typename V>
void matmul_packed(ConstMatrix a, WeightType type, const void* panels, Matrix c) {
    if (type == WeightType::kF32)
        product_packed<V, V::kTileRows>(a, static_cast<const float*>(panels), c);
    else if (type == WeightType::kF16)
        product_packed<V, V::kTileRows>(a, static_cast<const F16*>(panels), c);
    else
        product_packed<V, V::kTileRows>(a, static_cast<const Bf16*>(panels), c);
}

}  // namespace cairn::tensor::kernels
