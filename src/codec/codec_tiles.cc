// CONSENSUS: changing a result here splits the network.
//
// CONSENSUS: changing a result of draw or desketch splits the network.
#include "codec/codec_tiles.h"

#include <algorithm>
#include <bit>
#include <numeric>

namespace cairn::codec {

namespace {

std::uint64_t little_endian_u64(const std::uint8_t* bytes) {
    std::uint64_t value = 0;
    for (int i = 7; i >= 0; --i) value = value << 8 | bytes[i];
    return value;
}

constexpr std::uint64_t kSignBlocks = kTile / 128;

}  // namespace

void SketchTile::draw(const Hash256& seed, std::uint64_t tile, std::size_t rows) {
    CHECK(std::has_single_bit(rows) && rows <= kTile);
    const std::uint64_t key = little_endian_u64(seed.data());
    const std::uint64_t stream = little_endian_u64(seed.data() + 8);
    const std::uint64_t first = tile << 32;
    kernels_.random_words(key, stream, first, signs_.data(), kSignBlocks);
    const std::size_t row_blocks = std::max<std::size_t>(rows / 4, 16);
    kernels_.random_words(key, stream, first + kSignBlocks, words_.data(), row_blocks);

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
        const bool minus = (signs_[i / 32] >> (i % 32) & 1U) != 0;
        wide_[i] = minus ? -std::int64_t{v[i]} : std::int64_t{v[i]};
    }
    kernels_.transform64(wide_.data());
    for (std::size_t j = 0; j < z.size(); ++j) z[j] = wide_[rows_[j]];
}

void SketchTile::desketch(std::span<const std::int32_t> q, std::uint32_t scale,
                          std::span<std::int32_t> out) {
    CHECK(out.size() == kTile && std::has_single_bit(q.size()) && q.size() <= kTile);
    narrow_.fill(0);
    for (std::size_t j = 0; j < q.size(); ++j) narrow_[rows_[j]] = q[j];
    kernels_.transform32(narrow_.data());
    kernels_.scale_signed(narrow_.data(), signs_.data(), scale, std::countr_zero(q.size()),
                          out.data());
}

}  // namespace cairn::codec
