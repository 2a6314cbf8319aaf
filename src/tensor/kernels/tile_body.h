// CONSENSUS: changing a result here splits the network.
//
// The register tile that every product is made of: R rows of A meet C groups of
// 16 columns of B. Lanes run across columns, never across k; one accumulator
// per output takes k in ascending order.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cairn::tensor::kernels {

// Elements of B narrower than fp32; they widen exactly as they are loaded.
struct F16 {
    std::uint16_t bits;
};
struct Bf16 {
    std::uint16_t bits;
};

template <typename V>
[[gnu::always_inline]] inline V load_wide(const float* p) {
    return V::load(p);
}
template <typename V>
[[gnu::always_inline]] inline V load_wide(const F16* p) {
    return V::load_f16(&p->bits);
}
template <typename V>
[[gnu::always_inline]] inline V load_wide(const Bf16* p) {
    return V::load_bf16(&p->bits);
}

template <typename V>
inline V canonical_lanes(V x) {
    return V::select(V::is_nan(x), V::set1(__builtin_nanf("")), x);
}

/// How A is read: element (i, k) of a tile of rows is at data[i * row + k *
/// term]; the next tile of the full height begins `tile` further.
struct Operand {
    const float* data;
    std::size_t row;
    std::size_t term;
    std::size_t tile;
};

/// How B is read: 16 neighbouring columns of term k begin at data[k * term +
/// group * lanes]. Where asked for, what lies `ahead` elements further is
/// fetched at the same time.
template <typename E>
struct Panel {
    const E* data;
    std::size_t term;
    std::size_t lanes;
    std::size_t ahead = 0;
};

/// Where a tile's results so far come from, or go: `columns` of its 16 * C
/// exist. Null data: the results so far are +0.
template <typename T>
struct Results {
    T* data;
    std::size_t stride;
    std::size_t columns;
};

/// acc[r][c] = fma(a(r, k), b(k, c), acc[r][c]) for k ascending. kFetch: B
/// comes from memory, so ask for it ahead, once for each line of 64 bytes and
/// into the second cache (quantised_formats.h says why).
template <typename V, std::size_t R, std::size_t C, bool kFetch = false, typename E>
[[gnu::always_inline]] inline void chain(V (&acc)[R][C], std::size_t terms, Operand a, Panel<E> b) {
    const float* p = a.data;
    const E* column = b.data;
    // Terms that lie side by side share lines, rows of a cache do not.
    const std::size_t skipped = b.term == 16 ? 64 / (16 * sizeof(E)) - 1 : 0;
    for (std::size_t k = 0; k < terms; ++k, p += a.term, column += b.term) {
        V wide[C];
#pragma GCC unroll 4
        for (std::size_t c = 0; c < C; ++c) {
            wide[c] = load_wide<V>(column + c * b.lanes);
            if constexpr (kFetch)
                if ((k & skipped) == 0) __builtin_prefetch(column + c * b.lanes + b.ahead, 0, 2);
        }
#pragma GCC unroll 16
        for (std::size_t r = 0; r < R; ++r) {
            const V x = V::set1(p[r * a.row]);
#pragma GCC unroll 4
            for (std::size_t c = 0; c < C; ++c) acc[r][c] = V::fma(x, wide[c], acc[r][c]);
        }
    }
}

/// to = from + the sums of one chunk.
template <typename V, std::size_t R, std::size_t C>
[[gnu::always_inline]] inline void add_sums(const V (&acc)[R][C], Results<const float> from,
                                            Results<float> to) {
#pragma GCC unroll 16
    for (std::size_t r = 0; r < R; ++r) {
        const float* old = from.data == nullptr ? nullptr : from.data + r * from.stride;
        float* row = to.data + r * to.stride;
#pragma GCC unroll 4
        for (std::size_t c = 0; c < C; ++c) {
            const std::size_t at = 16 * c;
            if (at + 16 <= to.columns) {
                const V before = old == nullptr ? V::zero() : V::load(old + at);
                V::store(row + at, canonical_lanes(V::add(before, acc[r][c])));
            } else if (at < to.columns) {
                const std::size_t n = to.columns - at;
                const V before = old == nullptr ? V::zero() : V::load_n(old + at, n);
                V::store_n(row + at, canonical_lanes(V::add(before, acc[r][c])), n);
            }
        }
    }
}

/// R rows of C: one chunk.
template <typename V, std::size_t R, std::size_t C, bool kFetch = false, typename E>
inline void product_tile(std::size_t terms, Operand a, Panel<E> b, Results<const float> from,
                         Results<float> to) {
    V acc[R][C];
#pragma GCC unroll 16
    for (std::size_t r = 0; r < R; ++r) {
        __builtin_prefetch(to.data + r * to.stride, 1);
        __builtin_prefetch(to.data + r * to.stride + to.columns - 1, 1);
#pragma GCC unroll 4
        for (std::size_t c = 0; c < C; ++c) acc[r][c] = V::zero();
    }
    chain<V, R, C, kFetch>(acc, terms, a, b);
    add_sums<V, R, C>(acc, from, to);
}

template <typename T>
[[gnu::always_inline]] inline Results<T> rows_from(Results<T> x, std::size_t row) {
    return {x.data == nullptr ? nullptr : x.data + row * x.stride, x.stride, x.columns};
}

/// All rows of C for one panel: tiles of the full height, then of halves of it.
template <typename V, std::size_t R, std::size_t C, bool kFetch = false, typename E>
inline void product_rows(std::size_t rows, std::size_t terms, Operand a, Panel<E> b,
                         Results<const float> from, Results<float> to) {
    std::size_t i = 0;
    for (; i + R <= rows; i += R, a.data += a.tile)
        product_tile<V, R, C, kFetch>(terms, a, b, rows_from(from, i), rows_from(to, i));
    if constexpr (R > 1) {
        constexpr std::size_t kHalf = R == 12 ? 8 : R / 2;
        if (i < rows)
            product_rows<V, kHalf, C, kFetch>(rows - i, terms,
                                              {a.data, a.row, a.term, kHalf * a.row}, b,
                                              rows_from(from, i), rows_from(to, i));
    }
}

}  // namespace cairn::tensor::kernels
