// N2 for one tile: R rows of activations by S vectors of outputs of one instruction set D
// (dots_*.h), over a run of chunks. Lanes run across outputs, never across columns.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "tensor/kernels/quantised_activations.h"
#include "tensor/kernels/quantised_formats.h"

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
    using Operand = decltype(D::template prepare<F::kWide>(F::template step<kStep>(w[0], g)));
    Operand quants[S][D::kSteps];
#pragma GCC unroll 4
    for (std::size_t s = 0; s < S; ++s) {
        [&]<std::size_t... i>(std::index_sequence<i...>) __attribute__((always_inline)) {
            ((quants[s][i] = D::template prepare<F::kWide>(F::template step<kStep + i>(w[s], g))),
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

/// Bytes. A core that reads 37 GB/s has 4 KB in flight at memory's latency of some 100 ns; what is
/// fetched waits in the second cache, so twice that costs nothing.
inline constexpr std::size_t kFetchAhead = 8192;

/// Panels that are read side by side and are at most so many bytes together are followed by the
/// next ones as a whole: their last chunk is often a short one, and distances in chunks would leave
/// gaps behind it.
inline constexpr std::size_t kFetchWhole = 32768;

/// A single row reads one panel after another, memory as it lies, which is what a processor's own
/// prefetcher is made for: full bytes it only needs to be led, but what is unpacked from nibbles is
/// read too slowly for it to run ahead. Measured on Zen 4; distances between 1 and 4 KB do as well
/// for bytes, 8 to 32 KB for nibbles.
template <typename F>
inline constexpr std::size_t kFetchInLine = F::kWide ? 2048 : 16384;

/// ChunkRun::whole for `rows` rows and `panels` panels of so many bytes together.
template <typename F>
constexpr std::size_t whole_ahead(std::size_t rows, std::size_t panels, std::size_t bytes) {
    if (rows == 1 && panels == 1) return kFetchInLine<F>;
    return bytes > kFetchWhole ? 0 : (kFetchAhead + bytes - 1) / bytes * bytes;
}

/// Successive chunks of a few panels, `groups` groups in each.
struct ChunkRun {
    const std::uint8_t* const* chunk;  ///< the first chunk of each panel
    ChunkLayout layout;
    std::size_t count;
    std::size_t groups;
    std::size_t beyond;  ///< bytes from the last chunk to the one that is read after the run
    std::size_t whole;   ///< bytes from each place to the one that is prefetched, or 0: by chunks
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
        w[s] = {from, from + run.layout.quants + 4 * at, from + run.layout.high + 4 * at, at, 0};
    }
}

/// Sets what is prefetched while chunk `chunk` of the run is read: what run.whole says, or the
/// chunk that begins at least kFetchAhead bytes after it. Prefetches that chunk's scales at once.
template <std::size_t S>
[[gnu::always_inline]] inline void fetch_from(const ChunkRun& run, std::size_t chunk,
                                              ChunkView (&w)[S]) {
    const std::size_t ahead = (kFetchAhead + run.layout.bytes - 1) / run.layout.bytes;
    for (std::size_t s = 0; s < S; ++s) {
        w[s].next = run.whole != 0 ? run.whole : ahead * run.layout.bytes;
        if (run.whole == 0 && chunk + ahead >= run.count)
            w[s].next += run.beyond - run.layout.bytes;
        for (std::size_t at = 0; at < run.layout.quants; at += kQuantVector)
            fetch_next(w[s], w[s].scales + at);
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
        fetch_from<S>(work.run, chunk, w);
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
    for (std::size_t chunk = 0; chunk < work.run.count; ++chunk) {
        fetch_from<S>(work.run, chunk, w);
        for (std::size_t g = 0; g < work.run.groups; ++g, a += kSteps * R) {
            [&]<std::size_t... i>(std::index_sequence<i...>) __attribute__((always_inline)) {
                (add_steps<D, F, R, S, i * D::kSteps>(sums, w, g, a), ...);
            }
            (std::make_index_sequence<kSteps / D::kSteps>());
        }
        next_chunk(work.run.layout.bytes, w);
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

}  // namespace cairn::tensor::kernels
