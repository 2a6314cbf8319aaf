// What the products of quantised_body.h need to know of each group format: where a chunk's scales
// and quants lie (quantised_format.h) and how to get a step's unsigned quants out of them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/quantised_format.h"

namespace cairn::tensor::kernels {

/// A packed chunk of one panel, from lane `lane` on.
struct ChunkView {
    const std::uint8_t* scales;  ///< the chunk's first byte
    const std::uint8_t* quants;  ///< the parts' first bytes, moved by 4 bytes per lane
    const std::uint8_t* high;
    std::size_t lane;
    std::size_t next;  ///< bytes from what is read now to what is prefetched
};

/// Prefetches the same place of a later chunk, into the second cache: the first one has too few
/// reads in flight for memory's latency, and its own prefetcher brings the line the rest of the
/// way. That of the second cache stops at the end of a page and does not know where the next panel
/// lies.
[[gnu::always_inline]] inline void fetch_next(const ChunkView& w, const std::uint8_t* at) {
    __builtin_prefetch(at + w.next, 0, 2);
}

/// Full bytes: a step is a vector.
template <typename D>
struct ByteQuants {
    static constexpr bool kWide = true;
    template <std::size_t kStep>
    [[gnu::always_inline]] static inline typename D::Quants step(const ChunkView& w,
                                                                 std::size_t g) {
        const std::uint8_t* at = w.quants + (8 * g + kStep) * kQuantVector;
        fetch_next(w, at);
        return D::load_quants(at);
    }
};

/// Low nibbles of vector v are step v, high ones step v + 4.
template <typename D>
struct NibbleQuants {
    static constexpr bool kWide = false;
    template <std::size_t kStep>
    [[gnu::always_inline]] static inline typename D::Quants step(const ChunkView& w,
                                                                 std::size_t g) {
        const std::uint8_t* at = w.quants + (4 * g + kStep % 4) * kQuantVector;
        if constexpr (kStep < 4) fetch_next(w, at);
        const auto both = D::load_quants(at);
        if constexpr (kStep < 4)
            return D::low(both);
        else
            return D::high(both);
    }
};

/// The same, with fifth bits: bit s of a group's vector of high bits is step s's.
template <typename D>
struct FiveBitQuants {
    static constexpr bool kWide = false;
    template <std::size_t kStep>
    [[gnu::always_inline]] static inline typename D::Quants step(const ChunkView& w,
                                                                 std::size_t g) {
        const std::uint8_t* at = w.high + g * kQuantVector;
        if constexpr (kStep == 0) fetch_next(w, at);
        const auto plane = D::load_quants(at);
        return D::template with_high<kStep, 1>(NibbleQuants<D>::template step<kStep>(w, g), plane);
    }
};

/// One f16 scale per group; the accumulators start at -bias * sum(a).
template <typename D>
struct PlainScales {
    static constexpr bool kGrouped = true;
    static constexpr std::size_t kHalves = 1;
    static constexpr bool kMinima = false;
    [[gnu::always_inline]] static inline typename D::Floats scale(const ChunkView& w, std::size_t g,
                                                                  std::size_t) {
        return D::f16(w.scales + 2 * (g * kQuantPanel + w.lane));
    }
};

/// An f16 scale and an f16 minimum per group.
template <typename D>
struct OwnMinima {
    static constexpr bool kGrouped = true;
    static constexpr std::size_t kHalves = 1;
    static constexpr bool kMinima = true;
    [[gnu::always_inline]] static inline typename D::Floats scale(const ChunkView& w, std::size_t g,
                                                                  std::size_t) {
        return D::f16(w.scales + 2 * (2 * g * kQuantPanel + w.lane));
    }
    [[gnu::always_inline]] static inline typename D::Floats minimum(const ChunkView& w,
                                                                    std::size_t g) {
        return D::f16(w.scales + 2 * ((2 * g + 1) * kQuantPanel + w.lane));
    }
};

template <typename D>
struct FormatW8A8 : ByteQuants<D> {
    static constexpr bool kGrouped = false;
};

template <typename D>
struct FormatQ8_0 : ByteQuants<D>, PlainScales<D> {};

template <typename D>
struct FormatQ4_0 : NibbleQuants<D>, PlainScales<D> {};

template <typename D>
struct FormatQ4_1 : NibbleQuants<D>, OwnMinima<D> {};

template <typename D>
struct FormatQ5_0 : FiveBitQuants<D>, PlainScales<D> {};

template <typename D>
struct FormatQ5_1 : FiveBitQuants<D>, OwnMinima<D> {};

/// d * sc and dmin * m: exact, so that nothing is rounded before N2 says so.
template <typename D>
struct SuperBlockMinima {
    static constexpr bool kGrouped = true;
    static constexpr std::size_t kHalves = 1;
    static constexpr bool kMinima = true;
    [[gnu::always_inline]] static inline typename D::Floats scale(const ChunkView& w, std::size_t g,
                                                                  std::size_t) {
        return D::mul(D::f16(w.scales + 2 * w.lane), D::u8(w.scales + 64 + 32 * g + w.lane));
    }
    [[gnu::always_inline]] static inline typename D::Floats minimum(const ChunkView& w,
                                                                    std::size_t g) {
        return D::mul(D::f16(w.scales + 32 + 2 * w.lane),
                      D::u8(w.scales + 64 + 32 * g + kQuantPanel + w.lane));
    }
};

template <typename D>
struct FormatQ4K : NibbleQuants<D>, SuperBlockMinima<D> {};

template <typename D>
struct FormatQ5K : FiveBitQuants<D>, SuperBlockMinima<D> {};

template <typename D>
struct FormatQ6K {
    static constexpr bool kWide = false;
    static constexpr bool kGrouped = true;
    static constexpr std::size_t kHalves = 2;
    static constexpr bool kMinima = false;
    template <std::size_t kStep>
    [[gnu::always_inline]] static inline typename D::Quants step(const ChunkView& w,
                                                                 std::size_t g) {
        const std::uint8_t* at = w.high + (2 * g + kStep / 4) * kQuantVector;
        if constexpr (kStep % 4 == 0) fetch_next(w, at);
        const auto plane = D::load_quants(at);
        return D::template with_high<2 * (kStep % 4), 3>(
            NibbleQuants<D>::template step<kStep>(w, g), plane);
    }
    [[gnu::always_inline]] static inline typename D::Floats scale(const ChunkView& w, std::size_t g,
                                                                  std::size_t half) {
        return D::mul(D::f16(w.scales + 2 * w.lane),
                      D::s8(w.scales + 64 + 32 * g + kQuantPanel * half + w.lane));
    }
};

}  // namespace cairn::tensor::kernels
