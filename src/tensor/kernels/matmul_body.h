// CONSENSUS: changing a result here splits the network.
//
// Rule 1's products over lanes V. The lanes run across columns of C, never across k. For each group
// of columns and each chunk of k, B is packed into a panel that stays in the first-level cache, and
// tiles of C are computed in registers from it.
#pragma once

#include <cstddef>

#include "tensor/matmul.h"
#include "tensor/matrix.h"

namespace cairn::tensor::kernels {

template <typename V>
inline V canonical_lanes(V x) {
    return V::select(V::is_nan(x), V::set1(__builtin_nanf("")), x);
}

/// The terms of a product with which A is read: element (i, k) is at data[i * row + k * term].
struct Operand {
    const float* data;
    std::size_t row;
    std::size_t term;
};

/// acc[r][c] = fma(a(r, k), panel[k][c], acc[r][c]) for k ascending.
template <typename V, std::size_t R, std::size_t C>
[[gnu::always_inline]] inline void chain(V (&acc)[R][C], std::size_t terms, Operand a,
                                         const float* panel, std::size_t panel_stride) {
    const float* p = a.data;
    for (std::size_t k = 0; k < terms; ++k, p += a.term, panel += panel_stride) {
        V b[C];
#pragma GCC unroll 4
        for (std::size_t c = 0; c < C; ++c) b[c] = V::load(panel + 16 * c);
#pragma GCC unroll 16
        for (std::size_t r = 0; r < R; ++r) {
            const V x = V::set1(p[r * a.row]);
#pragma GCC unroll 4
            for (std::size_t c = 0; c < C; ++c) acc[r][c] = V::fma(x, b[c], acc[r][c]);
        }
    }
}

/// What happens to a chunk's sums.
enum class Into { kFirst, kNext };

/// R rows of C: one chunk. `columns` of the panel's 16 * C are stored.
template <typename V, std::size_t R, std::size_t C>
inline void product_tile(std::size_t terms, Operand a, const float* panel, float* c,
                         std::size_t c_stride, std::size_t columns, Into into) {
    V acc[R][C];
#pragma GCC unroll 16
    for (std::size_t r = 0; r < R; ++r)
#pragma GCC unroll 4
        for (std::size_t j = 0; j < C; ++j) acc[r][j] = V::zero();
    chain<V, R, C>(acc, terms, a, panel, 16 * C);
#pragma GCC unroll 16
    for (std::size_t r = 0; r < R; ++r) {
        float* row = c + r * c_stride;
#pragma GCC unroll 4
        for (std::size_t j = 0; j < C; ++j) {
            const std::size_t at = 16 * j;
            if (at + 16 <= columns) {
                const V old = into == Into::kFirst ? V::zero() : V::load(row + at);
                V::store(row + at, canonical_lanes(V::add(old, acc[r][j])));
            } else if (at < columns) {
                const std::size_t n = columns - at;
                const V old = into == Into::kFirst ? V::zero() : V::load_n(row + at, n);
                V::store_n(row + at, canonical_lanes(V::add(old, acc[r][j])), n);
            }
        }
    }
}

/// All rows of C for one panel: tiles of the full height, then of halves of it.
template <typename V, std::size_t R, std::size_t C>
inline void product_rows(std::size_t rows, std::size_t terms, Operand a, const float* panel,
                         float* c, std::size_t c_stride, std::size_t columns, Into into) {
    std::size_t i = 0;
    for (; i + R <= rows; i += R) {
        const Operand part{a.data + i * a.row, a.row, a.term};
        product_tile<V, R, C>(terms, part, panel, c + i * c_stride, c_stride, columns, into);
    }
    if constexpr (R > 1) {
        if (i < rows) {
            const Operand part{a.data + i * a.row, a.row, a.term};
            product_rows<V, R == 12 ? 8 : R / 2, C>(rows - i, terms, part, panel, c + i * c_stride,
                                                    c_stride, columns, into);
        }
    }
}

/// panel[k][j] = b[k][j], padded with zeros to `width` columns.
template <typename V>
inline void pack_rows(const float* b, std::size_t stride, std::size_t terms, std::size_t columns,
                      float* panel, std::size_t width) {
    for (std::size_t k = 0; k < terms; ++k, b += stride, panel += width) {
        for (std::size_t j = 0; j < width; j += 16) {
            if (j + 16 <= columns) {
                V::store(panel + j, V::load(b + j));
            } else {
                V::store(panel + j, j < columns ? V::load_n(b + j, columns - j) : V::zero());
            }
        }
    }
}

/// panel[k][j] = b[j][k], padded with zeros to `width` columns.
template <typename V>
inline void pack_transposed(const float* b, std::size_t stride, std::size_t terms,
                            std::size_t columns, float* panel, std::size_t width) {
    for (std::size_t j = 0; j < width; j += 16) {
        std::size_t k = 0;
        if (j + 16 <= columns)
            for (; k + 16 <= terms; k += 16)
                V::transpose(b + j * stride + k, stride, panel + k * width + j, width);
        for (; k < terms; ++k)
            for (std::size_t i = j; i < j + 16; ++i)
                panel[k * width + i] = i < columns ? b[i * stride + k] : 0.0F;
    }
}

/// C = or += A B over `terms` terms, B given as rows [terms, columns] or, if kTransposed, as
/// [columns, terms].
template <typename V, bool kTransposed>
inline void product(std::size_t terms, Operand a, ConstMatrix b, Matrix c, bool accumulate) {
    constexpr std::size_t kWidth = 16 * V::kTileLanes;
    alignas(64) float panel[kChunk * kWidth];
    if (terms == 0 && !accumulate)
        for (std::size_t i = 0; i < c.rows; ++i)
            for (std::size_t j = 0; j < c.cols; ++j) c.data[i * c.stride + j] = 0.0F;
    for (std::size_t j = 0; j < c.cols; j += kWidth) {
        const std::size_t columns = c.cols - j < kWidth ? c.cols - j : kWidth;
        const bool narrow = V::kTileLanes > 1 && columns <= 16;
        const std::size_t width = narrow ? 16 : kWidth;
        for (std::size_t k = 0; k < terms; k += kChunk) {
            const std::size_t chunk = terms - k < kChunk ? terms - k : kChunk;
            if (kTransposed)
                pack_transposed<V>(b.data + j * b.stride + k, b.stride, chunk, columns, panel,
                                   width);
            else
                pack_rows<V>(b.data + k * b.stride + j, b.stride, chunk, columns, panel, width);
            const Into into = k == 0 && !accumulate ? Into::kFirst : Into::kNext;
            const Operand part{a.data + k * a.term, a.row, a.term};
            if (narrow)
                product_rows<V, V::kTileRows, 1>(c.rows, chunk, part, panel, c.data + j, c.stride,
                                                 columns, into);
            else
                product_rows<V, V::kTileRows, V::kTileLanes>(c.rows, chunk, part, panel, c.data + j,
                                                             c.stride, columns, into);
        }
    }
}

template <typename V>
void matmul_nt(ConstMatrix a, ConstMatrix b, Matrix c) {
    product<V, true>(a.cols, {a.data, a.stride, 1}, b, c, false);
}

template <typename V>
void matmul_nn(ConstMatrix a, ConstMatrix b, Matrix c) {
    product<V, false>(a.cols, {a.data, a.stride, 1}, b, c, false);
}

template <typename V>
void matmul_tn_accumulate(ConstMatrix a, ConstMatrix b, Matrix c) {
    product<V, false>(a.rows, {a.data, 1, a.stride}, b, c, true);
}

}  // namespace cairn::tensor::kernels
