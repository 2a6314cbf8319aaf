// N2's products for one instruction set D (dots_*.h). For as many panels as a tile is wide, each
// run of chunks of the weights is multiplied with all rows of activations, tile by tile; a small
// buffer keeps the sums between runs. Few rows make one tile: then the weights are streamed once.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "tensor/kernels/quantised_tile.h"
#include "tensor/quantised_kernels.h"

namespace cairn::tensor::kernels {

/// The operands and the result of one product.
struct QuantisedProduct {
    const std::int32_t* activations;
    ActivationLayout layout;
    const Weight* w;
    Matrix c;
};

/// How many rows of activations keep partial sums at a time, and the most chunks of a run.
template <typename D>
inline constexpr std::size_t kBlockRows = 192 / D::kTileRows* D::kTileRows;
inline constexpr std::size_t kMaxChunks = 4;

/// C's columns of `count` panels from the finished sums of rows [begin, begin + rows).
template <typename D, typename F>
void store_rows(const QuantisedProduct& op, std::size_t panel, std::size_t count, std::size_t begin,
                std::size_t rows, const float* partial) {
    for (std::size_t p = 0; p < count; ++p) {
        const std::size_t first = (panel + p) * kQuantPanel;
        const std::size_t columns = std::min(kQuantPanel, op.w->rows - first);
        float scales[kQuantPanel] = {};
        if constexpr (!F::kGrouped) panel_scales(*op.w, panel + p, scales);
        for (std::size_t row = begin; row < begin + rows; ++row) {
            const float* sums = partial + ((row - begin) * count + p) * kQuantPanel;
            float scale = 0.0F;
            if constexpr (!F::kGrouped) {
                const std::size_t tile = tile_of_row(D::kTileRows, row, op.c.rows).first;
                scale = std::bit_cast<float>(op.activations[tile + row]);  // 2 tile + row - tile
            }
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

/// What the tiles of one block of rows have in common. `tile` begins as the work of the first of
/// them.
struct BlockWork {
    TileWork tile;
    std::size_t row, rows;
    std::size_t words_per_row;
    float* partial;
    std::size_t panel, count;
    bool finished;  ///< the sums are complete after this run
};

/// Tiles of R rows, then lower ones. Rows of C lie far apart in memory, so a finished tile's rows
/// are prefetched while it is computed, and stored before the next tile's.
template <typename D, typename F, std::size_t R, std::size_t S>
inline void tiles(const QuantisedProduct& op, BlockWork block) {
    const std::size_t width = block.count * kQuantPanel;
    for (; block.rows >= R; block.rows -= R, block.row += R) {
        block.tile.starts += R;  // past the scales
        if (block.finished)
            for (std::size_t r = 0; r < R; ++r)
                for (std::size_t j = 0; j < width; j += kQuantPanel)
                    __builtin_prefetch(op.c.row(block.row + r) + block.panel * kQuantPanel + j, 1);
        for (std::size_t lane = 0; lane < width; lane += S * D::kLanes)
            tile<D, F, R, S>(block.tile, lane, block.partial, width);
        if (block.finished)
            store_rows<D, F>(op, block.panel, block.count, block.row, R, block.partial);
        block.tile.activations += R * block.words_per_row;
        block.tile.starts += R;
        block.partial += R * width;
    }
    if constexpr (R > 1) {
        if (block.rows > 0) tiles<D, F, lower_tile(R), S>(op, block);
    }
}

/// Finds the chunks of `count` panels.
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

    /// Where the `chunks` chunks from `chunk` on lie in each panel; those of a canonical weight are
    /// packed by this call.
    void find(std::size_t chunk, std::size_t chunks, const std::uint8_t** found) const {
        for (std::size_t p = 0; p < count; ++p) {
            if (w.packed) {
                found[p] = static_cast<const std::uint8_t*>(w.data) + (panel + p) * panel_size +
                           head + chunk * chunk_size;
                continue;
            }
            std::uint8_t* const to = room + p * kMaxChunks * kMaxChunkBytes;
            for (std::size_t i = 0; i < chunks; ++i)
                pack_chunk(w, panel + p, chunk + i, to + i * chunk_size);
            found[p] = to;
        }
    }
};

/// `count` panels, S vectors of outputs at a time.
template <typename D, typename F, std::size_t S>
void product_panels(const QuantisedProduct& op, std::size_t panel, std::size_t count) {
    constexpr std::size_t kMaxPanels = (S * D::kLanes + kQuantPanel - 1) / kQuantPanel;
    alignas(64) float partial[kBlockRows<D> * kMaxPanels * kQuantPanel];
    alignas(64) std::uint8_t room[kMaxPanels * kMaxChunks * kMaxChunkBytes];
    const Weight& w = *op.w;
    const std::size_t chunk_groups = chunk_columns(w.type) / kQuantGroup;
    const ActivationLayout& layout = op.layout;
    // a single tile needs no runs between which to turn to other rows: all whole chunks are one run
    const bool one_tile = w.packed && tile_of_row(D::kTileRows, 0, op.c.rows).height == op.c.rows;
    const ChunkFinder finder(w, panel, count, room);
    for (std::size_t begin = 0; begin < op.c.rows; begin += kBlockRows<D>) {
        const std::size_t rows = std::min(kBlockRows<D>, op.c.rows - begin);
        for (std::size_t g = 0, here = 0; g < layout.groups; g += here) {
            here = layout.run_groups(g);
            if (one_tile && here >= chunk_groups)
                here = (layout.groups - g) / chunk_groups * chunk_groups;
            const std::size_t in_chunk = std::min(here, chunk_groups);
            const std::uint8_t* chunks[kMaxPanels];
            finder.find(g / chunk_groups, here / in_chunk, chunks);
            const std::size_t last = (g + here - in_chunk) / chunk_groups;
            const std::size_t beyond = g + here < layout.groups
                                           ? finder.chunk_size
                                           : count * finder.panel_size - last * finder.chunk_size;
            const ChunkRun run{
                chunks,          chunk_layout(w.type, in_chunk * kQuantGroup),
                here / in_chunk, in_chunk,
                beyond,          whole_ahead<F>(op.c.rows, count, count * finder.panel_size)};
            const TileWork first{run, g == 0, op.activations + layout.tile_at(g, here, begin),
                                 op.activations + layout.row_head() * begin};
            tiles<D, F, D::kTileRows, S>(op, {first, begin, rows, here * layout.group_words(),
                                              partial, panel, count, g + here == layout.groups});
        }
    }
}

template <typename D, typename F>
void product_of(const QuantisedProduct& op, std::size_t begin, std::size_t end) {
    constexpr std::size_t kPanels =
        std::max<std::size_t>(1, D::kTileVectors * D::kLanes / kQuantPanel);
    std::size_t panel = begin;
    // side by side they share what is loaded of the activations; a single row is bound by memory
    if (op.c.rows > 1 || kPanels == 1)
        for (; panel + kPanels <= end; panel += kPanels)
            product_panels<D, F, D::kTileVectors>(op, panel, kPanels);
    if constexpr (kPanels > 1)
        for (; panel < end; ++panel) product_panels<D, F, kQuantPanel / D::kLanes>(op, panel, 1);
}

template <typename D>
void quantised_product(const void* activations, const Weight& w, Matrix c, std::size_t begin,
                       std::size_t end) {
    const QuantisedProduct op{static_cast<const std::int32_t*>(activations),
                              ActivationLayout(w.type, c.rows, w.cols), &w, c};
    switch (w.type) {
        case WeightType::kQ8_0:
            return product_of<D, FormatQ8_0<D>>(op, begin, end);
        case WeightType::kQ4_0:
            return product_of<D, FormatQ4_0<D>>(op, begin, end);
        case WeightType::kQ4_1:
            return product_of<D, FormatQ4_1<D>>(op, begin, end);
        case WeightType::kQ5_0:
            return product_of<D, FormatQ5_0<D>>(op, begin, end);
        case WeightType::kQ5_1:
            return product_of<D, FormatQ5_1<D>>(op, begin, end);
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
            activation_bytes, quantise_rows<D>, quantised_product<D>};
}

}  // namespace cairn::tensor::kernels
