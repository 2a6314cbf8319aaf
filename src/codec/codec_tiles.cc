// CONSENSUS: changing a result here splits the network.
#include "codec/codec_tiles.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "base/encoding.h"
#include "codec/quantise.h"

namespace cairn::codec {

namespace {

constexpr std::uint64_t kSignBlocks = kTile / 128;
/// A rotation lengthens by the root of 4096.
constexpr int kRotationShift = 6;

bool is_set(const std::array<std::uint32_t, kTile / 32>& bits, std::size_t i) {
    return (bits[i / 32] >> (i % 32) & 1U) != 0;
}

}  // namespace

void SketchTile::draw(const Hash256& seed, std::uint64_t tile, std::size_t rows, int rotations) {
    CHECK(std::has_single_bit(rows) && rows <= kTile && (rotations == 1 || rotations == 2));
    rotations_ = rotations;
    Reader words(seed.view());
    const std::uint64_t key = words.u64();
    const std::uint64_t stream = words.u64();
    const std::uint64_t first = tile << 32;
    kernels_.random_words(key, stream, first, signs_.data(), kSignBlocks);
    std::uint64_t next = first + kSignBlocks;
    if (rotations == 2) {
        kernels_.random_words(key, stream, next, second_signs_.data(), kSignBlocks);
        next += kSignBlocks;
    }
    const std::size_t row_blocks = std::max<std::size_t>(rows / 4, 16);
    kernels_.random_words(key, stream, next, words_.data(), row_blocks);

    // A partial Fisher-Yates shuffle: uniform up to 2^-20 relative, any two rows distinct.
    std::iota(rows_.begin(), rows_.end(), std::uint16_t{0});
    for (std::size_t j = 0; j < rows; ++j) {
        const std::size_t other =
            j + static_cast<std::size_t>((std::uint64_t{words_[j]} * (kTile - j)) >> 32);
        std::swap(rows_[j], rows_[other]);
    }
}

void SketchTile::sketch(std::span<const std::int32_t> v, std::span<std::int64_t> z) {
    CHECK(v.size() == kTile && z.size() <= kTile);
    for (std::size_t i = 0; i < kTile; ++i) {
        wide_[i] = is_set(signs_, i) ? -std::int64_t{v[i]} : std::int64_t{v[i]};
    }
    kernels_.transform64(wide_.data());
    if (rotations_ == 2) {
        for (std::size_t i = 0; i < kTile; ++i)
            if (is_set(second_signs_, i)) wide_[i] = -wide_[i];
        kernels_.transform64(wide_.data());
        for (std::int64_t& value : wide_) value = shift_half_away(value, kRotationShift);
    }
    for (std::size_t j = 0; j < z.size(); ++j) z[j] = wide_[rows_[j]];
}

void SketchTile::desketch(std::span<const std::int32_t> q, std::uint32_t scale,
                          std::span<std::int32_t> out) {
    CHECK(out.size() == kTile && std::has_single_bit(q.size()) && q.size() <= kTile);
    narrow_.fill(0);
    for (std::size_t j = 0; j < q.size(); ++j) narrow_[rows_[j]] = q[j];
    kernels_.transform32(narrow_.data());
    const int shift = std::countr_zero(q.size());
    if (rotations_ == 2) return desketch_twice(scale, shift + kRotationShift, out);
    kernels_.scale_signed(narrow_.data(), signs_.data(), scale, shift, out.data());
}

void SketchTile::desketch_twice(std::uint32_t scale, int shift, std::span<std::int32_t> out) {
    for (std::size_t i = 0; i < kTile; ++i)
        wide_[i] = is_set(second_signs_, i) ? -std::int64_t{narrow_[i]} : std::int64_t{narrow_[i]};
    kernels_.transform64(wide_.data());
    // Below 2^39 by 2^12 rows of less than 2^15, times a scale: below 2^54.
    for (std::size_t i = 0; i < kTile; ++i) {
        const std::int32_t value = scaled_entry(wide_[i], scale, shift);
        out[i] = is_set(signs_, i) ? -value : value;
    }
}

}  // namespace cairn::codec
