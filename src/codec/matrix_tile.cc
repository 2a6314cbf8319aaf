// CONSENSUS: changing a result here splits the network.
//
// CONSENSUS: changing a result of draw or desketch splits the network.
#include "codec/matrix_tile.h"

#include <algorithm>
#include <bit>

#include "base/check.h"
#include "base/encoding.h"
#include "codec/quantise.h"

namespace cairn::codec {

namespace {

/// Uniform below `bound`, up to 2^-20 relative.
std::uint16_t below(std::uint32_t word, std::size_t bound) {
    return static_cast<std::uint16_t>(std::uint64_t{word} * bound >> 32);
}

}  // namespace

std::size_t entries_per_column(CodecKind kind, std::size_t rows) {
    if (chain::is_dense_sketch(kind)) return rows;
    return kind == chain::kCountSketch ? 1 : kSparseEntries;
}

int matrix_shift(CodecKind kind, std::size_t rows) {
    const int shift = std::countr_zero(entries_per_column(kind, rows));
    return kind == chain::kGaussian ? shift + 3 : shift;  // entries of variance 8
}

std::uint16_t entry_row(CodecKind kind, std::size_t rows, std::size_t e, std::uint32_t word,
                        std::span<const std::uint16_t> taken) {
    if (kind == chain::kCountSketch) return below(word, rows);
    if (kind == chain::kSparse2) {
        const std::size_t block = rows / kSparseEntries;
        return static_cast<std::uint16_t>(e * block + below(word, block));
    }
    // Floyd's way to a uniform set: of the first `last` rows and itself, itself where one is taken.
    const std::size_t last = rows - kSparseEntries + e;
    const std::uint16_t row = below(word, last + 1);
    return std::ranges::find(taken, row) == taken.end() ? row : static_cast<std::uint16_t>(last);
}

void MatrixTile::draw(CodecKind kind, const Hash256& seed, std::uint64_t tile, std::size_t rows) {
    CHECK(std::has_single_bit(rows) && rows >= 16 && rows <= kTile);
    kind_ = kind;
    rows_ = rows;
    Reader words(seed.view());
    key_ = words.u64();
    stream_ = words.u64();
    first_ = tile << 32;
    if (has_zeros()) draw_entries();
}

void MatrixTile::draw_entries() {
    const std::size_t each = entries_per_column(kind_, rows_);
    words_.resize(kTile * each);
    entries_.resize(kTile * each);
    kernels_.random_words(key_, stream_, first_, words_.data(), words_.size() / 4);
    std::array<std::uint16_t, kSparseEntries> taken{};
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        const std::size_t e = i % each;
        taken[e] = entry_row(kind_, rows_, e, words_[i], std::span(taken).first(e));
        entries_[i] = {taken[e], (words_[i] & 1U) != 0};
    }
}

void MatrixTile::draw_row(std::size_t row) {
    const std::size_t blocks = kind_ == chain::kAms ? kTile / 128 : kTile / 4;
    words_.resize(4 * blocks);
    kernels_.random_words(key_, stream_, first_ + row * blocks, words_.data(), blocks);
}

void MatrixTile::sketch(std::span<const std::int32_t> v, std::span<std::int64_t> z) {
    CHECK(v.size() == kTile && z.size() == rows_);
    if (!has_zeros()) {
        const auto dot = kind_ == chain::kAms ? kernels_.sign_dot : kernels_.normal_dot;
        for (std::size_t i = 0; i < rows_; ++i) {
            draw_row(i);
            z[i] = dot(words_.data(), v.data());
        }
        return;
    }
    std::ranges::fill(z, 0);
    const std::size_t each = entries_per_column(kind_, rows_);
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        const std::int64_t value = v[i / each];
        z[entries_[i].row] += entries_[i].minus ? -value : value;
    }
}

void MatrixTile::desketch(std::span<const std::int32_t> q, std::uint32_t scale,
                          std::span<std::int32_t> out) {
    CHECK(q.size() == rows_ && out.size() == kTile);
    sums_.assign(kTile, 0);
    // At most 4096 rows of 16 times less than 2^15 each: below 2^31.
    if (has_zeros()) {
        const std::size_t each = entries_per_column(kind_, rows_);
        for (std::size_t i = 0; i < entries_.size(); ++i) {
            const std::int32_t value = q[entries_[i].row];
            sums_[i / each] += entries_[i].minus ? -value : value;
        }
    } else {
        const auto add = kind_ == chain::kAms ? kernels_.sign_add : kernels_.normal_add;
        for (std::size_t i = 0; i < rows_; ++i) {
            if (q[i] == 0) continue;
            draw_row(i);
            add(words_.data(), q[i], sums_.data());
        }
    }
    const int shift = matrix_shift(kind_, rows_);
    for (std::size_t j = 0; j < kTile; ++j) out[j] = scaled_entry(sums_[j], scale, shift);
}

}  // namespace cairn::codec
