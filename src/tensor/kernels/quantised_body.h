// CONSENSUS: changing a result here splits the network.
//
// Rule 2's products for one instruction set D (dots_*.h). Lanes run across outputs. For so many
// panels as a tile is wide, chunk after chunk of the weights, small enough for the first-level
// cache, meets all rows of activations in tiles; the chunks' sums wait in a small buffer. Few rows
// are the same with one tile: then the weights simply stream by.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "tensor/kernels/quantised_activations.h"
#include "tensor/kernels/quantised_formats.h"
#include "tensor/quantised_kernels.h"

namespace cairn::tensor::kernels {

template <typename D, bool kWide>
[[gnu::always_inline]] inline typename D::Sums start_at(std::int32_t value) {
    return kWide && D::kSignsWide ? D::set1_sum(0) : D::set1_sum(value);
}

/// sums += D::kSteps steps of weights, the first of them kStep, times all rows of the tile.
template <typename D, typename F, std::size_t R, std::size_t S, std::size_t kStep>
[[gnu::always_inline]] inline void add_steps(typename D::Sums (&sums)[R][S],
                                             const ChunkView (&w)[S], std::size_t g,
                                             const std::int32_t* a) {
    constexpr bool kFetch = R < D::kTileRows;
    using Operand =
        decltype(D::template prepare<F::kWide>(F::template step<kStep, kFetch>(w[0], g)));
    Operand quants[S][D::kSteps];
#pragma GCC unroll 4
    for (std::size_t s = 0; s < S; ++s) {
        [&]<std::size_t... i>(std::index_sequence<i...>) __attribute__((always_inline)) {
            ((quants[s][i] =
                  D::template prepare<F::kWide>(F::template step<kStep + i, kFetch>(w[s], g))),
             ...);
        }
        (std::make_index_sequence<D::kSteps>());
    }
#pragma GCC unroll 8
    for (std::size_t r = 0; r < R; ++r)
#pragma GCC unroll 4
        for (std::size_t s = 0; s < S; ++s)
            sums[r][s] = D::dot(sums[r][s], quants[s], a + kStep * R + r, R);
}

/// acc += one group's half (or the whole group), for R rows and S vectors of outputs.
template <typename D, typename F, std::size_t R, std::size_t S, std::size_t kHalf>
[[gnu::always_inline]] inline void add_half(typename D::Floats (&acc)[R][S],
                                            const ChunkView (&w)[S], std::size_t g,
                                            const std::int32_t* a) {
    constexpr std::size_t kStepsInHalf = 8 / F::kHalves;
    constexpr std::size_t kHead = 1 + F::kHalves;
    typename D::Sums sums[R][S];
#pragma GCC unroll 8
    for (std::size_t r = 0; r < R; ++r) {
        const std::int32_t start = F::kMinima ? 0 : a[(1 + kHalf) * R + r];
#pragma GCC unroll 4
        for (std::size_t s = 0; s < S; ++s) sums[r][s] = start_at<D, F::kWide>(start);
    }
    [&]<std::size_t... i>(std::index_sequence<i...>) __attribute__((always_inline)) {
        (add_steps<D, F, R, S, kHalf * kStepsInHalf + i * D::kSteps>(sums, w, g, a + kHead * R),
         ...);
    }
    (std::make_index_sequence<kStepsInHalf / D::kSteps>());
#pragma GCC unroll 4
    for (std::size_t s = 0; s < S; ++s) {
        const auto scale = F::scale(w[s], g, kHalf);
#pragma GCC unroll 8
        for (std::size_t r = 0; r < R; ++r) {
            const auto both = D::mul(scale, D::set1(std::bit_cast<float>(a[r])));
            acc[r][s] = D::fma(D::to_floats(sums[r][s]), both, acc[r][s]);
        }
        if constexpr (F::kMinima) {
            const auto minimum = F::minimum(w[s], g);
#pragma GCC unroll 8
            for (std::size_t r = 0; r < R; ++r)
                acc[r][s] = D::fma(minimum, D::set1(std::bit_cast<float>(a[R + r])), acc[r][s]);
        }
    }
}

/// Successive chunks of a few panels, `groups` groups in each.
struct ChunkRun {
    const std::uint8_t* const* chunk;  ///< the first chunk of each panel
    ChunkLayout layout;
    std::size_t count;
    std::size_t groups;
};

/// What a tile works on: a run of chunks and a tile's activations of these columns.
struct TileWork {
    ChunkRun run;
    bool first;  ///< no chunk before the run
    const std::int32_t* activations;
    const std::int32_t* starts;  ///< of W8A8-row
};

/// The vectors of outputs that a tile covers, in each panel from lane `lane` on.
template <typename D, std::size_t S>
[[gnu::always_inline]] inline void view_chunks(const ChunkRun& run, std::size_t lane,
                                               ChunkView (&w)[S]) {
    for (std::size_t s = 0; s < S; ++s) {
        const std::size_t at = (lane + s * D::kLanes) % kQuantPanel;
        const std::uint8_t* from = run.chunk[(lane + s * D::kLanes) / kQuantPanel];
        w[s] = {from, from + run.layout.quants + 4 * at, from + run.layout.high + 4 * at, at};
    }
}

template <std::size_t S>
[[gnu::always_inline]] inline void next_chunk(std::size_t bytes, ChunkView (&w)[S]) {
    for (std::size_t s = 0; s < S; ++s) {
        w[s].scales += bytes;
        w[s].quants += bytes;
        w[s].high += bytes;
    }
}

/// partial[r][lane ..] = or += the chunks' sums, one after the other.
template <typename D, typename F, std::size_t R, std::size_t S>
void grouped_tile(const TileWork& work, std::size_t lane, float* partial, std::size_t width) {
    constexpr std::size_t kRecord = 1 + F::kHalves + kQuantGroup / kQuantStep;
    ChunkView w[S];
    view_chunks<D, S>(work.run, lane, w);
    const std::size_t groups = work.run.groups;
    const std::int32_t* a = work.activations;
    for (std::size_t chunk = 0; chunk < work.run.count; ++chunk) {
        typename D::Floats acc[R][S];
#pragma GCC unroll 8
        for (std::size_t r = 0; r < R; ++r)
#pragma GCC unroll 4
            for (std::size_t s = 0; s < S; ++s) acc[r][s] = D::set1(0.0F);
        for (std::size_t g = 0; g < groups; ++g, a += kRecord * R) {
            add_half<D, F, R, S, 0>(acc, w, g, a);
            if constexpr (F::kHalves == 2) add_half<D, F, R, S, 1>(acc, w, g, a);
        }
        const bool first = work.first && chunk == 0;
#pragma GCC unroll 8
        for (std::size_t r = 0; r < R; ++r) {
#pragma GCC unroll 4
            for (std::size_t s = 0; s < S; ++s) {
                float* at = partial + r * width + lane + s * D::kLanes;
                const auto old = first ? D::set1(0.0F) : D::load(at);
                D::store(at, D::add(old, acc[r][s]));
            }
        }
        next_chunk(work.run.layout.bytes, w);
    }
}

/// The same for W8A8-row: the partial sums are int32.
template <typename D, typename F, std::size_t R, std::size_t S>
void w8a8_tile(const TileWork& work, std::size_t lane, float* partial, std::size_t width) {
    constexpr std::size_t kSteps = kQuantGroup / kQuantStep;
    ChunkView w[S];
    view_chunks<D, S>(work.run, lane, w);
    typename D::Sums sums[R][S];
#pragma GCC unroll 8
    for (std::size_t r = 0; r < R; ++r)
#pragma GCC unroll 4
        for (std::size_t s = 0; s < S; ++s)
            sums[r][s] = work.first ? start_at<D, true>(work.starts[r])
                                    : D::load_sums(partial + r * width + lane + s * D::kLanes);
    const std::int32_t* a = work.activations;
    // chunks of nothing but steps follow each other without a gap
    for (std::size_t g = 0; g < work.run.count * work.run.groups; ++g, a += kSteps * R) {
        [&]<std::size_t... i>(std::index_sequence<i...>) __attribute__((always_inline)) {
            (add_steps<D, F, R, S, i * D::kSteps>(sums, w, g, a), ...);
        }
        (std::make_index_sequence<kSteps / D::kSteps>());
    }
#pragma GCC unroll 8
    for (std::size_t r = 0; r < R; ++r)
#pragma GCC unroll 4
        for (std::size_t s = 0; s < S; ++s)
            D::store_sums(partial + r * width + lane + s * D::kLanes, sums[r][s]);
}

template <typename D, typename F, std::size_t R, std::size_t S>
inline void tile(const TileWork& work, std::size_t lane, float* partial, std::size_t width) {
    if constexpr (F::kGrouped)
        grouped_tile<D, F, R, S>(work, lane, partial, width);
    else
        w8a8_tile<D, F, R, S>(work, lane, partial, width);
}

/// One run of chunks for `rows` rows of activations, the first of them at `row_words` * 0: tiles of
/// R rows, then lower ones. `head` words of a row lie before its groups, `skip` are of earlier
/// groups.
struct RowsOfTiles {
    const std::int32_t* activations;
    std::size_t rows;
    std::size_t row_words, head, skip;
};

template <typename D, typename F, std::size_t R, std::size_t S>
inline void tiles(const ChunkRun& run, bool first, RowsOfTiles a, float* partial,
                  std::size_t width) {
    for (; a.rows >= R; a.rows -= R) {
        const TileWork work{run, first, a.activations + (a.head + a.skip) * R, a.activations + R};
        for (std::size_t lane = 0; lane < width; lane += S * D::kLanes)
            tile<D, F, R, S>(work, lane, partial, width);
        a.activations += R * a.row_words;
        partial += R * width;
    }
    if constexpr (R > 1) {
        if (a.rows > 0) tiles<D, F, lower_tile(R), S>(run, first, a, partial, width);
    }
}

/// One product: who reads what.
struct QuantisedProduct {
    const std::int32_t* activations;
    const Weight* w;
    Matrix c;
};

/// Rows of activations whose partial sums fit into the buffer beside a chunk of weights.
template <typename D>
inline constexpr std::size_t kBlockRows = 192 / D::kTileRows* D::kTileRows;

/// C's columns of `count` panels from the finished sums of rows [begin, begin + rows).
template <typename D, typename F>
void store_block(const QuantisedProduct& op, std::size_t panel, std::size_t count,
                 std::size_t begin, std::size_t rows, const float* partial) {
    const std::size_t words = row_words(op.w->type, op.w->cols);
    for (std::size_t p = 0; p < count; ++p) {
        const std::size_t first = (panel + p) * kQuantPanel;
        const std::size_t columns = std::min(kQuantPanel, op.w->rows - first);
        float scales[kQuantPanel] = {};
        if constexpr (!F::kGrouped) panel_scales(*op.w, panel + p, scales);
        for (std::size_t r = 0; r < rows; ++r) {
            const std::size_t row = begin + r;
            const std::size_t tile = tile_of_row(D::kTileRows, row, op.c.rows).first;
            const float scale =
                F::kGrouped ? 0.0F
                            : std::bit_cast<float>(op.activations[tile * words + (row - tile)]);
            const float* sums = partial + (r * count + p) * kQuantPanel;
            float* out = op.c.row(row) + first;
            for (std::size_t lane = 0; lane < columns; lane += D::kLanes) {
                auto value = D::load(sums + lane);
                if constexpr (!F::kGrouped)
                    value = D::mul(D::to_floats(D::load_sums(sums + lane)),
                                   D::mul(D::load(scales + lane), D::set1(scale)));
                D::store_n(out + lane, D::canonical(value), std::min(D::kLanes, columns - lane));
            }
        }
    }
}

/// Chunks of `count` panels from one row of blocks of activations to the next.
struct ChunkFinder {
    const Weight& w;
    std::size_t panel, count;
    std::size_t panel_size, head, chunk_size;
    std::uint8_t* room;

    ChunkFinder(const Weight& weight, std::size_t first, std::size_t panels, std::uint8_t* buffer)
        : w(weight),
          panel(first),
          count(panels),
          panel_size(panel_bytes(weight.type, weight.cols)),
          head(panel_head_bytes(weight.type)),
          chunk_size(chunk_layout(weight.type, chunk_columns(weight.type)).bytes),
          room(buffer) {}

    /// Where chunk `chunk` of each panel lies; a canonical weight's is packed on the spot.
    void find(std::size_t chunk, const std::uint8_t** found) const {
        for (std::size_t p = 0; p < count; ++p) {
            if (w.packed) {
                found[p] = static_cast<const std::uint8_t*>(w.data) + (panel + p) * panel_size +
                           head + chunk * chunk_size;
            } else {
                pack_chunk(w, panel + p, chunk, room + p * kMostChunkBytes);
                found[p] = room + p * kMostChunkBytes;
            }
        }
    }
};

/// How many chunks a tile takes at once: all of them where there is only one tile, else as many as
/// stay in the first-level cache from tile to tile.
inline std::size_t chunks_in_run(const Weight& w, std::size_t chunks, bool one_tile) {
    if (!w.packed) return 1;
    return one_tile ? std::max<std::size_t>(chunks, 1) : 2;
}

/// `count` panels, S vectors of outputs at a time.
template <typename D, typename F, std::size_t S>
void product_panels(const QuantisedProduct& op, std::size_t panel, std::size_t count) {
    constexpr std::size_t kMostPanels = (S * D::kLanes + kQuantPanel - 1) / kQuantPanel;
    alignas(64) float partial[kBlockRows<D> * kMostPanels * kQuantPanel];
    alignas(64) std::uint8_t room[kMostPanels * kMostChunkBytes];
    const Weight& w = *op.w;
    const std::size_t width = count * kQuantPanel;
    const std::size_t words = row_words(w.type, w.cols);
    const std::size_t head = F::kGrouped ? 0 : record_head(w.type);
    const std::size_t group_words =
        kQuantGroup / kQuantStep + (F::kGrouped ? record_head(w.type) : 0);
    const std::size_t chunk_groups = chunk_columns(w.type) / kQuantGroup;
    const std::size_t groups = quantised_groups(w);
    const std::size_t most =
        chunks_in_run(w, groups / chunk_groups, op.c.rows <= D::kTileRows) * chunk_groups;
    const ChunkFinder finder(w, panel, count, room);
    for (std::size_t begin = 0; begin < op.c.rows; begin += kBlockRows<D>) {
        const std::size_t rows = std::min(kBlockRows<D>, op.c.rows - begin);
        for (std::size_t g = 0, here = 0; g < groups; g += here) {
            const std::uint8_t* chunks[kMostPanels];
            finder.find(g / chunk_groups, chunks);
            const std::size_t left = groups - g;  // whole chunks, then what is left
            here = left < chunk_groups ? left : std::min(most, left / chunk_groups * chunk_groups);
            const std::size_t in_chunk = std::min(here, chunk_groups);
            const ChunkRun run{chunks, chunk_layout(w.type, in_chunk * kQuantGroup),
                               here / in_chunk, in_chunk};
            const RowsOfTiles a{op.activations + begin * words, rows, words, head, g * group_words};
            tiles<D, F, D::kTileRows, S>(run, g == 0, a, partial, width);
        }
        store_block<D, F>(op, panel, count, begin, rows, partial);
    }
}

template <typename D, typename F>
void product_of(const QuantisedProduct& op, std::size_t begin, std::size_t end) {
    constexpr std::size_t kPanels =
        std::max<std::size_t>(1, D::kTileVectors * D::kLanes / kQuantPanel);
    std::size_t panel = begin;
    for (; panel + kPanels <= end; panel += kPanels)
        product_panels<D, F, D::kTileVectors>(op, panel, kPanels);
    if constexpr (kPanels > 1)
        for (; panel < end; ++panel) product_panels<D, F, kQuantPanel / D::kLanes>(op, panel, 1);
}

template <typename D>
void quantised_product(const void* activations, const Weight& w, Matrix c, std::size_t begin,
                       std::size_t end) {
    const QuantisedProduct op{static_cast<const std::int32_t*>(activations), &w, c};
    switch (w.type) {
        case WeightType::kQ8_0:
            return product_of<D, FormatQ8_0<D>>(op, begin, end);
        case WeightType::kQ4_0:
            return product_of<D, FormatQ4_0<D>>(op, begin, end);
        case WeightType::kW8A8Row:
            return product_of<D, FormatW8A8<D>>(op, begin, end);
        case WeightType::kQ4K:
            return product_of<D, FormatQ4K<D>>(op, begin, end);
        case WeightType::kQ5K:
            return product_of<D, FormatQ5K<D>>(op, begin, end);
        case WeightType::kQ6K:
            return product_of<D, FormatQ6K<D>>(op, begin, end);
        default:
            CHECK(false);
    }
}

template <typename D>
constexpr QuantisedKernels make_quantised_table() {
    return {D::kTileRows, std::max<std::size_t>(1, D::kTileVectors * D::kLanes / kQuantPanel),
            activation_bytes, quantise_rows<D::kTileRows>, quantised_product<D>};
}

}  // namespace cairn::tensor::kernels
