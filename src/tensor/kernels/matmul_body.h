// CONSENSUS: changing a result here splits the network.
//
// Rule 1's products over lanes V. The lanes run across columns of C, never across k. For each group
// of columns and each chunk of k, B is packed into a panel that stays in the first-level cache, and
// tiles of C are computed in registers from it.
#pragma once

#include <cstddef>

#include "tensor/matmul.h"
#include "tensor/matrix.h"
#include "tensor/split.h"

namespace cairn::tensor::kernels {

template <typename V>
inline V canonical_lanes(V x) {
    return V::select(V::is_nan(x), V::set1(__builtin_nanf("")), x);
}

/// How A is read: element (i, k) of a tile of rows is at data[i * row + k * term]; the next tile of
/// the full height begins `tile` further.
struct Operand {
    const float* data;
    std::size_t row;
    std::size_t term;
    std::size_t tile;
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
    for (; i + R <= rows; i += R, a.data += a.tile)
        product_tile<V, R, C>(terms, a, panel, c + i * c_stride, c_stride, columns, into);
    if constexpr (R > 1) {
        constexpr std::size_t kHalf = R == 12 ? 8 : R / 2;
        if (i < rows)
            product_rows<V, kHalf, C>(rows - i, terms, {a.data, a.row, a.term, kHalf * a.row},
                                      panel, c + i * c_stride, c_stride, columns, into);
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
        if (j + 16 <= columns) {
            for (; k + 16 <= terms; k += 16) {
                V block[16];
#pragma GCC unroll 16
                for (std::size_t i = 0; i < 16; ++i) block[i] = V::load(b + (j + i) * stride + k);
                V::transpose(block);
#pragma GCC unroll 16
                for (std::size_t i = 0; i < 16; ++i)
                    V::store(panel + (k + i) * width + j, block[i]);
            }
        }
        for (; k < terms; ++k)
            for (std::size_t i = j; i < j + 16; ++i)
                panel[k * width + i] = i < columns ? b[i * stride + k] : 0.0F;
    }
}

/// Tiles of A one after the other, each [terms, kTileRows]: what pack_tiles makes.
template <typename V>
inline Operand pack_tiles(Operand a, std::size_t rows, std::size_t terms, float* packed) {
    constexpr std::size_t kHeight = V::kTileRows;
    for (std::size_t i = 0; i < rows; i += kHeight) {
        const std::size_t here = rows - i < kHeight ? rows - i : kHeight;
        const float* from = a.data + i * a.row;
        float* to = packed + i * terms;
        if (a.row == 1) {
            for (std::size_t k = 0; k < terms; ++k)
                V::store_n(to + k * kHeight, V::load_n(from + k * a.term, here), here);
        } else {
            for (std::size_t r = 0; r < here; ++r)
                for (std::size_t k = 0; k < terms; ++k)
                    to[k * kHeight + r] = from[r * a.row + k * a.term];
        }
    }
    return {packed, 1, kHeight, kHeight * terms};
}

/// One chunk of k for some rows of C: all its columns. kTransposed: b is [columns, terms].
template <typename V, bool kTransposed>
inline void product_chunk(std::size_t rows, std::size_t columns, std::size_t terms, Operand a,
                          const float* b, std::size_t b_stride, float* c, std::size_t c_stride,
                          Into into) {
    constexpr std::size_t kWidth = 16 * V::kTileLanes;
    alignas(64) float panel[kChunk * kWidth];
    for (std::size_t j = 0; j < columns; j += kWidth) {
        const std::size_t here = columns - j < kWidth ? columns - j : kWidth;
        const bool narrow = V::kTileLanes > 1 && here <= 16;
        const std::size_t width = narrow ? 16 : kWidth;
        if (kTransposed)
            pack_transposed<V>(b + j * b_stride, b_stride, terms, here, panel, width);
        else
            pack_rows<V>(b + j, b_stride, terms, here, panel, width);
        if (narrow)
            product_rows<V, V::kTileRows, 1>(rows, terms, a, panel, c + j, c_stride, here, into);
        else
            product_rows<V, V::kTileRows, V::kTileLanes>(rows, terms, a, panel, c + j, c_stride,
                                                         here, into);
    }
}

/// C = or += A B over `terms` terms, B given as rows [terms, columns] or, if kTransposed, as
/// [columns, terms]. Where A's stride would make its rows fight over the same cache lines, its
/// tiles are packed too.
template <typename V, bool kTransposed>
inline void product(std::size_t terms, Operand a, ConstMatrix b, Matrix c, bool accumulate) {
    constexpr std::size_t kWideStride = 512;
    constexpr std::size_t kPackedRows = 384 / V::kTileRows * V::kTileRows;
    const bool pack = (a.row > 1 ? a.row : a.term) > kWideStride && c.rows > V::kTileRows &&
                      c.cols > 16 * V::kTileLanes;
    const std::size_t most = pack ? kPackedRows : c.rows;
    float* const packed = pack ? thread_scratch(kPackedRows * kChunk) : nullptr;
    if (terms == 0 && !accumulate)
        for (std::size_t i = 0; i < c.rows; ++i)
            for (std::size_t j = 0; j < c.cols; ++j) c.data[i * c.stride + j] = 0.0F;
    for (std::size_t i = 0; i < c.rows; i += most) {
        const std::size_t rows = c.rows - i < most ? c.rows - i : most;
        for (std::size_t k = 0; k < terms; k += kChunk) {
            const std::size_t chunk = terms - k < kChunk ? terms - k : kChunk;
            const Into into = k == 0 && !accumulate ? Into::kFirst : Into::kNext;
            Operand part{a.data + i * a.row + k * a.term, a.row, a.term, V::kTileRows * a.row};
            if (pack) part = pack_tiles<V>(part, rows, chunk, packed);
            const float* terms_of_b = b.data + k * (kTransposed ? 1 : b.stride);
            product_chunk<V, kTransposed>(rows, c.cols, chunk, part, terms_of_b, b.stride,
                                          c.data + i * c.stride, c.stride, into);
        }
    }
}

/// C[R, up to 16] = A B^T for so few rows that B is read once and never packed: 16 of its rows at a
/// time are turned in registers.
template <typename V, std::size_t R>
inline void few_rows_tile(std::size_t columns, std::size_t terms, Operand a, const float* b,
                          std::size_t b_stride, float* c, std::size_t c_stride) {
    constexpr std::size_t kAhead = 128;  // floats, about the latency of memory
    V result[R];
    for (std::size_t r = 0; r < R; ++r) result[r] = V::zero();
    for (std::size_t chunk = 0; chunk < terms; chunk += kChunk) {
        const std::size_t end = terms - chunk < kChunk ? terms : chunk + kChunk;
        V acc[R];
        for (std::size_t r = 0; r < R; ++r) acc[r] = V::zero();
        for (std::size_t k = chunk; k < end; k += 16) {
            const std::size_t here = end - k < 16 ? end - k : 16;
            V block[16];
            if (here == 16 && columns == 16) {
#pragma GCC unroll 16
                for (std::size_t j = 0; j < 16; ++j) {
                    block[j] = V::load(b + j * b_stride + k);
                    __builtin_prefetch(b + j * b_stride + k + kAhead);
                }
            } else {
                for (std::size_t j = 0; j < 16; ++j)
                    block[j] = j < columns ? V::load_n(b + j * b_stride + k, here) : V::zero();
            }
            V::transpose(block);
#pragma GCC unroll 16
            for (std::size_t i = 0; i < 16; ++i) {
                if (i == here) break;
#pragma GCC unroll 4
                for (std::size_t r = 0; r < R; ++r)
                    acc[r] = V::fma(V::set1(a.data[r * a.row + k + i]), block[i], acc[r]);
            }
        }
        for (std::size_t r = 0; r < R; ++r) result[r] = V::add(result[r], acc[r]);
    }
    for (std::size_t r = 0; r < R; ++r)
        V::store_n(c + r * c_stride, canonical_lanes(result[r]), columns);
}

template <typename V, std::size_t R>
inline void few_rows(ConstMatrix a, ConstMatrix b, Matrix c) {
    for (std::size_t j = 0; j < c.cols; j += 16)
        few_rows_tile<V, R>(c.cols - j < 16 ? c.cols - j : 16, a.cols, {a.data, a.stride, 1, 0},
                            b.data + j * b.stride, b.stride, c.data + j, c.stride);
}

template <typename V>
void matmul_nt(ConstMatrix a, ConstMatrix b, Matrix c) {
    switch (c.rows) {
        case 1:
            return few_rows<V, 1>(a, b, c);
        case 2:
            return few_rows<V, 2>(a, b, c);
        case 3:
            return few_rows<V, 3>(a, b, c);
        case 4:
            return few_rows<V, 4>(a, b, c);
        default:
            product<V, true>(a.cols, {a.data, a.stride, 1, 0}, b, c, false);
    }
}

template <typename V>
void matmul_nn(ConstMatrix a, ConstMatrix b, Matrix c) {
    product<V, false>(a.cols, {a.data, a.stride, 1, 0}, b, c, false);
}

template <typename V>
void matmul_tn_accumulate(ConstMatrix a, ConstMatrix b, Matrix c) {
    product<V, false>(a.rows, {a.data, 1, a.stride, 0}, b, c, true);
}

}  // namespace cairn::tensor::kernels
