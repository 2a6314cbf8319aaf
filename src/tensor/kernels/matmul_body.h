// CONSENSUS: changing a result here splits the network.
//
// N1's products over lanes V. A's tiles are packed once for a block of rows
// and terms; then, for each group of columns and each chunk of k, B becomes a
// panel that stays in the first-level cache, and tiles of C are computed in
// registers from it. Sums between chunks wait in a small buffer, so that C is
// written once.
#pragma once

#include <cstddef>

#include "tensor/kernels/tile_body.h"
#include "tensor/matmul.h"
#include "tensor/matrix.h"
#include "tensor/split.h"

namespace cairn::tensor::kernels {

/// panel[k][j] = b[k][j], padded with zeros to `width` columns.
template <typename V>
inline void pack_rows(const float* b, std::size_t stride, std::size_t terms, std::size_t columns,
                      float* panel, std::size_t width) {
    for (std::size_t k = 0; k < terms; ++k, b += stride, panel += width) {
        // the next panel's lines, each in a page of its own
        for (std::size_t j = width; j < 2 * width; j += 16) __builtin_prefetch(b + j, 0, 2);
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

/// As pack_tiles below for an A whose rows are neighbours in memory: a few tiles at a time, so that
/// reads are whole cache lines and the tiles written do not evict each other's lines.
template <typename V>
inline void pack_neighbours(Operand a, std::size_t rows, std::size_t terms, float* packed) {
    constexpr std::size_t kHeight = V::kTileRows;
    constexpr std::size_t kTogether = 4 * kHeight;
    for (std::size_t first = 0; first < rows; first += kTogether) {
        const std::size_t end = rows - first < kTogether ? rows : first + kTogether;
        for (std::size_t k = 0; k < terms; ++k) {
            const float* from = a.data + k * a.term;
            __builtin_prefetch(from + end, 0, 2);
            for (std::size_t i = first; i < end; i += kHeight) {
                const std::size_t here = end - i < kHeight ? end - i : kHeight;
                float* to = packed + i * terms + k * kHeight;
                if (i + 16 <= rows)
                    V::store_n(to, V::load(from + i), kHeight);
                else
                    V::store_n(to, V::load_n(from + i, here), here);
            }
        }
    }
}

/// Tiles of A one after the other, each [terms, kTileRows].
template <typename V>
inline void pack_tiles(Operand a, std::size_t rows, std::size_t terms, float* packed) {
    constexpr std::size_t kHeight = V::kTileRows;
    if (a.row == 1) return pack_neighbours<V>(a, rows, terms, packed);
    for (std::size_t i = 0; i < rows; i += kHeight) {
        const std::size_t here = rows - i < kHeight ? rows - i : kHeight;
        const float* from = a.data + i * a.row;
        float* to = packed + i * terms;
        std::size_t k = 0;
        for (; here == kHeight && k + 16 <= terms; k += 16) {
            V block[16];
#pragma GCC unroll 16
            for (std::size_t r = 0; r < 16; ++r)
                block[r] = r < kHeight ? V::load(from + r * a.row + k) : V::zero();
            V::transpose(block, kHeight);
#pragma GCC unroll 16
            for (std::size_t r = 0; r < 16; ++r)
                V::store_n(to + (k + r) * kHeight, block[r], kHeight);
        }
        for (; k < terms; ++k)
            for (std::size_t r = 0; r < here; ++r) to[k * kHeight + r] = from[r * a.row + k];
    }
}

// Where B comes from. panel() gives `terms` terms from k on of the columns from
// j on, of which `here` exist; `buffer` holds kChunk * width floats. kFetch:
// see chain().

/// B as [terms, columns].
template <typename V>
struct RowsOfTerms {
    static constexpr bool kFetch = false;
    const float* data;
    std::size_t stride;
    Panel<float> panel(std::size_t k, std::size_t terms, std::size_t j, std::size_t here,
                       std::size_t width, float* buffer) const {
        pack_rows<V>(data + k * stride + j, stride, terms, here, buffer, width);
        return {buffer, width, 16};
    }
};

/// B as [columns, terms].
template <typename V>
struct RowsOfColumns {
    static constexpr bool kFetch = false;
    const float* data;
    std::size_t stride;
    Panel<float> panel(std::size_t k, std::size_t terms, std::size_t j, std::size_t here,
                       std::size_t width, float* buffer) const {
        pack_transposed<V>(data + j * stride + k, stride, terms, here, buffer, width);
        return {buffer, width, 16};
    }
};

// At most so many rows and terms of A are packed at once: a block. It streams through the cache
// beside a panel of B, kTileRows floats of A for every term of a tile.
template <typename V>
inline constexpr std::size_t kTermBlock = V::kBlockChunks* kChunk;
template <typename V>
inline constexpr std::size_t kRowBlock = 384 / V::kTileRows* V::kTileRows;

/// One block of A against all columns of c: terms [k0, k0 + terms) of B. From
/// zero if `first`, else from c.
template <typename V, typename Source>
inline void product_block(std::size_t k0, std::size_t terms, Operand a, std::size_t packed_rows,
                          const Source& b, Matrix c, bool first, float* sums) {
    constexpr std::size_t kWidth = 16 * V::kTileLanes;
    alignas(64) float buffer[kChunk * kWidth];
    for (std::size_t j = 0; j < c.cols; j += kWidth) {
        const std::size_t here = c.cols - j < kWidth ? c.cols - j : kWidth;
        const bool narrow = V::kTileLanes > 1 && here <= 16;
        const Results<float> whole{c.data + j, c.stride, here};
        const Results<float> partial{sums, kWidth, here};
        for (std::size_t k = 0; k < terms; k += kChunk) {
            const std::size_t chunk = terms - k < kChunk ? terms - k : kChunk;
            const Results<float> from = k == 0 ? whole : partial;
            const Results<const float> old{k == 0 && first ? nullptr : from.data, from.stride,
                                           from.columns};
            const Results<float> to = k + kChunk < terms ? partial : whole;
            Operand part = a;
            part.data += packed_rows > 0 ? packed_rows * k : k * a.term;
            if (packed_rows > 0) part.tile = V::kTileRows * chunk;
            const auto panel = b.panel(k0 + k, chunk, j, here, narrow ? 16 : kWidth, buffer);
            if (narrow)
                product_rows<V, V::kTileRows, 1, Source::kFetch>(c.rows, chunk, part, panel, old,
                                                                 to);
            else
                product_rows<V, V::kTileRows, V::kTileLanes, Source::kFetch>(c.rows, chunk, part,
                                                                             panel, old, to);
        }
    }
}

/// C = or += A B over `terms` terms. Where A's stride would make its rows evict each other from the
/// cache, its tiles are packed.
template <typename V, typename Source>
inline void product(std::size_t terms, Operand a, const Source& b, Matrix c, bool accumulate) {
    constexpr std::size_t kWideStride = 512;
    constexpr std::size_t kWidth = 16 * V::kTileLanes;
    const bool pack =
        (a.row > 1 ? a.row : a.term) > kWideStride && c.rows > V::kTileRows && c.cols > kWidth;
    constexpr std::size_t kRows = kRowBlock<V>, kTerms = kTermBlock<V>;
    float* const sums = thread_scratch(kRows * (kWidth + (pack ? kTerms : 0)));
    float* const packed = sums + kRows * kWidth;
    if (terms == 0 && !accumulate)
        for (std::size_t i = 0; i < c.rows; ++i)
            for (std::size_t j = 0; j < c.cols; ++j) c.data[i * c.stride + j] = 0.0F;
    for (std::size_t k = 0; k < terms; k += kTerms) {
        const std::size_t block = terms - k < kTerms ? terms - k : kTerms;
        for (std::size_t i = 0; i < c.rows; i += kRows) {
            const std::size_t rows = c.rows - i < kRows ? c.rows - i : kRows;
            const std::size_t tall = (rows + V::kTileRows - 1) / V::kTileRows * V::kTileRows;
            Operand part{a.data + i * a.row + k * a.term, a.row, a.term, V::kTileRows * a.row};
            if (pack) {
                for (std::size_t at = 0; at < block; at += kChunk)
                    pack_tiles<V>({part.data + at * a.term, a.row, a.term, 0}, rows,
                                  block - at < kChunk ? block - at : kChunk, packed + tall * at);
                part = {packed, 1, V::kTileRows, 0};
            }
            product_block<V>(k, block, part, pack ? tall : 0, b,
                             {c.data + i * c.stride, rows, c.cols, c.stride}, k == 0 && !accumulate,
                             sums);
        }
    }
}

/// C[R, up to 16] = A B^T for so few rows that B is read once and never packed: 16 rows of B at a
/// time are transposed in registers.
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
            product<V>(a.cols, {a.data, a.stride, 1, 0}, RowsOfColumns<V>{b.data, b.stride}, c,
                       false);
    }
}

template <typename V>
void matmul_nn(ConstMatrix a, ConstMatrix b, Matrix c) {
    product<V>(a.cols, {a.data, a.stride, 1, 0}, RowsOfTerms<V>{b.data, b.stride}, c, false);
}

template <typename V>
void matmul_tn_accumulate(ConstMatrix a, ConstMatrix b, Matrix c) {
    product<V>(a.rows, {a.data, 1, a.stride, 0}, RowsOfTerms<V>{b.data, b.stride}, c, true);
}

}  // namespace cairn::tensor::kernels
