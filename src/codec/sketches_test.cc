// Proves that each codec draws the matrix that sketch_matrix.h writes out, that all are unbiased
// with the norms of papers A: Table 1, that kernels of every instruction set agree, and that signs
// sent after two rotations prefer no parameter.
#include <gtest/gtest.h>

#include <cmath>

#include "base/encoding.h"
#include "base/random.h"
#include "codec/codec.h"
#include "codec/codec_tiles.h"
#include "codec/matrix_tile.h"
#include "codec/quantise.h"
#include "codec/sketch_matrix.h"
#include "crypto/hash.h"
#include "tensor/philox.h"

namespace cairn::codec {
namespace {

Hash256 seed_of(std::uint64_t number) {
    Writer writer;
    writer.u64(number);
    return crypto::sha256(writer.out());
}

std::vector<std::int32_t> noise(std::size_t count, std::uint64_t seed, std::uint64_t size) {
    SeededRandom random(seed);
    std::vector<std::int32_t> values(count);
    for (std::int32_t& value : values) {
        std::int64_t sum = 0;
        for (int i = 0; i < 4; ++i)
            sum += static_cast<std::int64_t>(random.below(2 * size + 1)) -
                   static_cast<std::int64_t>(size);
        value = static_cast<std::int32_t>(sum / 2);
    }
    return values;
}

double dot(std::span<const std::int32_t> a, std::span<const std::int32_t> b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += double{1.0} * a[i] * b[i];
    return sum;
}

std::uint64_t u64_at(const Hash256& seed, std::size_t at) {
    Reader reader(seed.view().subspan(at, 8));
    return reader.u64();
}

/// The words of Philox that a tile's matrix is drawn from.
std::vector<std::uint32_t> words_of(CodecKind kind, const Hash256& seed, std::uint64_t tile,
                                    std::size_t rows) {
    std::vector<std::uint32_t> words;
    const std::size_t wanted = sketch_words(kind, kTile, rows);
    for (std::uint64_t block = 0; words.size() < wanted; ++block)
        for (const std::uint32_t word :
             tensor::philox(u64_at(seed, 0), u64_at(seed, 8), (tile << 32) + block))
            if (words.size() < wanted) words.push_back(word);
    return words;
}

constexpr CodecKind kMatrixKinds[] = {chain::kGaussian, chain::kAms, chain::kCountSketch,
                                      chain::kSparse1, chain::kSparse2};

std::string name(CodecKind kind) { return chain::name_of(kind); }

TEST(MatrixTile, IsTheMatrixThatTheReferenceWritesOut) {
    const auto v = noise(kTile, 1, 100'000'000);
    for (const CodecKind kind : kMatrixKinds) {
        for (const std::size_t rows : {std::size_t{16}, std::size_t{64}}) {
            const Hash256 seed = seed_of(rows);
            const SketchMatrix m = sketch_matrix(kind, kTile, rows, words_of(kind, seed, 3, rows));
            std::vector<std::int64_t> z(rows), expected(rows);
            for (std::size_t i = 0; i < rows; ++i)
                for (std::size_t j = 0; j < kTile; ++j)
                    expected[i] += m.entries[i * kTile + j] * v[j];
            MatrixTile tile;
            tile.draw(kind, seed, 3, rows);
            tile.sketch(v, z);
            EXPECT_EQ(z, expected) << name(kind);
            std::vector<std::int32_t> q(rows), out(kTile);
            for (std::size_t i = 0; i < rows; ++i)
                q[i] = static_cast<std::int32_t>(i * 37 % 255) - 127;
            tile.desketch(q, 12345, out);
            for (std::size_t j = 0; j < kTile; ++j) {
                std::int64_t sum = 0;
                for (std::size_t i = 0; i < rows; ++i) sum += m.entries[i * kTile + j] * q[i];
                const double exact = static_cast<double>(sum) * 12345 / std::exp2(m.shift);
                ASSERT_EQ(out[j], std::round(exact)) << name(kind) << " " << j;
            }
        }
    }
}

TEST(SketchTile, IsTheMatrixThatTheReferenceWritesOut) {
    const auto v = noise(kTile, 2, 1'000'000);
    constexpr std::size_t kRows = 16;
    for (const CodecKind kind : {CodecKind::kSrht, chain::kSrht2}) {
        const bool twice = kind == chain::kSrht2;
        const Hash256 seed = seed_of(5);
        const SketchMatrix m = sketch_matrix(kind, kTile, kRows, words_of(kind, seed, 7, kRows));
        SketchTile tile;
        tile.draw(seed, 7, kRows, twice ? 2 : 1);
        std::vector<std::int64_t> z(kRows);
        tile.sketch(v, z);
        for (std::size_t i = 0; i < kRows; ++i) {
            std::int64_t sum = 0;
            for (std::size_t j = 0; j < kTile; ++j) sum += m.entries[i * kTile + j] * v[j];
            EXPECT_EQ(z[i], std::round(static_cast<double>(sum) / (twice ? 64 : 1))) << name(kind);
        }
        std::vector<std::int32_t> q(kRows), out(kTile);
        for (std::size_t i = 0; i < kRows; ++i) q[i] = static_cast<std::int32_t>(i) - 7;
        tile.desketch(q, 54321, out);
        for (std::size_t j = 0; j < kTile; ++j) {
            std::int64_t sum = 0;
            for (std::size_t i = 0; i < kRows; ++i) sum += m.entries[i * kTile + j] * q[i];
            const double exact = static_cast<double>(sum) * 54321 / std::exp2(m.shift);
            ASSERT_EQ(out[j], std::round(exact * (twice ? 64 : 1))) << name(kind) << " " << j;
        }
    }
}

// A column of a sparse embedding has four entries in four rows, each set of rows as likely as any.
TEST(EntryRow, ColumnsAreUniform) {
    SeededRandom random(3);
    for (const CodecKind kind : {chain::kSparse1, chain::kSparse2}) {
        std::vector<int> hits(16);
        constexpr int kColumns = 40'000;
        for (int c = 0; c < kColumns; ++c) {
            std::uint16_t taken[kSparseEntries] = {};
            for (std::size_t e = 0; e < kSparseEntries; ++e) {
                taken[e] = entry_row(kind, 16, e, static_cast<std::uint32_t>(random.u64()),
                                     std::span(taken).first(e));
                for (std::size_t other = 0; other < e; ++other) ASSERT_NE(taken[e], taken[other]);
                ASSERT_LT(taken[e], 16);
                ++hits[taken[e]];
            }
        }
        for (const int count : hits) EXPECT_NEAR(count, kColumns / 4, 500) << name(kind);
    }
}

// papers A: Table 1, last column corrected: E|desk sk v|^2 / |v|^2 for a spread and a one-hot
// vector, and E<desk sk v, v> = |v|^2.
TEST(MatrixTile, HasTheMomentsOfTable1) {
    std::vector<std::int32_t> one_hot(kTile, 0);
    one_hot[77] = 1 << 20;
    constexpr std::size_t kRows = 256;
    constexpr int kSeeds = 60;
    for (const CodecKind kind : kMatrixKinds) {
        for (const auto& v : {noise(kTile, 4, 1 << 18), one_hot}) {
            const CodecSpec spec{kind, 4, 16};
            double norm = 0, along = 0;
            for (int i = 0; i < kSeeds; ++i) {
                const Hash256 seed = seed_of(static_cast<std::uint64_t>(i));
                const auto back = decode(spec, encode(spec, v, seed), seed, kTile).value();
                norm += dot(back, back) / dot(v, v) / kSeeds;
                along += dot(back, v) / dot(v, v) / kSeeds;
            }
            const double expected = 1 + (kind == chain::kGaussian ? 4096.94 : 4095.0) / kRows;
            EXPECT_NEAR(norm, expected, 0.06 * expected) << name(kind);
            EXPECT_NEAR(along, 1, 0.06) << name(kind);
        }
    }
}

TEST(MatrixKernels, EveryVariantGivesTheSameIntegers) {
    const auto v = noise(kTile, 9, 400'000'000);
    SeededRandom random(10);
    std::vector<std::uint32_t> words(kTile);
    for (std::uint32_t& word : words) word = static_cast<std::uint32_t>(random.u64());
    const SrhtKernels& plain = srht_kernels(tensor::KernelSet::kScalar);
    for (const tensor::KernelSet set : tensor::available_kernel_sets()) {
        const SrhtKernels& other = srht_kernels(set);
        EXPECT_EQ(other.sign_dot(words.data(), v.data()), plain.sign_dot(words.data(), v.data()));
        EXPECT_EQ(other.normal_dot(words.data(), v.data()),
                  plain.normal_dot(words.data(), v.data()));
        std::vector<std::int32_t> a(kTile, 5), b(kTile, 5);
        plain.sign_add(words.data(), -32767, a.data());
        plain.normal_add(words.data(), 32767, a.data());
        other.sign_add(words.data(), -32767, b.data());
        other.normal_add(words.data(), 32767, b.data());
        EXPECT_EQ(a, b);
    }
}

/// What (200000, 100000, 0, ...) decodes to on average.
std::pair<double, double> mean_of_two(const CodecSpec& spec, int seeds) {
    std::vector<std::int32_t> v(kTile, 0);
    v[0] = 200'000;
    v[1] = 100'000;
    double first = 0, second = 0;
    for (int i = 0; i < seeds; ++i) {
        const Hash256 seed = seed_of(static_cast<std::uint64_t>(i) + 1000);
        const auto back = decode(spec, encode(spec, v, seed), seed, kTile).value();
        first += back[0] / static_cast<double>(seeds);
        second += back[1] / static_cast<double>(seeds);
    }
    return {first, second};
}

// One rotation of two parameters gives sums of which the larger one alone decides the sign.
TEST(OneBit, TwoRotationsPreferNoParameter) {
    const auto [large, small] = mean_of_two({CodecKind::kSrht, 3, 1}, 400);
    EXPECT_NEAR(large, 250'000, 5'000);
    EXPECT_LT(small, 10'000) << "the known bias of srht at one bit";
    const auto [first, second] = mean_of_two({chain::kSrht2, 3, 1}, 1000);
    EXPECT_NEAR(first, 200'000, 60'000);
    EXPECT_NEAR(second, 100'000, 60'000);
    EXPECT_LT(first, 245'000);
    EXPECT_GT(second, 50'000);
}

TEST(MatrixTile, StaysInsideTheBoundWhenAllPushTheSameWay) {
    // A payload whose values are the signs of one column, at the largest scale.
    constexpr std::size_t kRows = 16;
    for (const CodecKind kind : kMatrixKinds) {
        const Hash256 seed = seed_of(2);
        const SketchMatrix m = sketch_matrix(kind, kTile, kRows, words_of(kind, seed, 0, kRows));
        for (const std::size_t column : {0U, 1U, 2U, 3U, 4U, 5U, 6U, 7U}) {
            std::vector<std::int32_t> q(kRows), out(kTile);
            for (std::size_t i = 0; i < kRows; ++i)
                q[i] = m.entries[i * kTile + column] < 0 ? -127 : 127;
            MatrixTile tile;
            tile.draw(kind, seed, 0, kRows);
            tile.desketch(q, largest_scale(8), out);
            for (const std::int32_t value : out)
                ASSERT_TRUE(value > -kDeltaLimit && value < kDeltaLimit) << name(kind);
        }
    }
}

// C6 rests on it: by the cosine of two payloads of one delta under different seeds.
TEST(MatrixTile, TwoPayloadsAreAsAlikeAsTheSpecSays) {
    const auto delta = noise(64 * kTile, 5, 4000);
    for (const CodecSpec& spec :
         {CodecSpec{chain::kSrht2, 0, 1}, CodecSpec{chain::kSrht2, 3, 1},
          CodecSpec{chain::kSrht2, 2, 8}, CodecSpec{chain::kGaussian, 3, 8},
          CodecSpec{chain::kAms, 2, 8}, CodecSpec{chain::kAms, 3, 16},
          CodecSpec{chain::kCountSketch, 0, 8}, CodecSpec{chain::kCountSketch, 3, 4},
          CodecSpec{chain::kSparse1, 1, 8}, CodecSpec{chain::kSparse2, 3, 8}}) {
        std::vector<std::vector<std::int32_t>> back;
        for (const std::uint64_t number : {1U, 2U})
            back.push_back(
                decode(spec, encode(spec, delta, seed_of(number)), seed_of(number), delta.size())
                    .value());
        const double cosine =
            dot(back[0], back[1]) / std::sqrt(dot(back[0], back[0]) * dot(back[1], back[1]));
        EXPECT_NEAR(cosine * 65536 / static_cast<double>(chain::payload_cosine(spec)), 1, 0.07)
            << name(spec.kind) << " " << spec.log2_ratio << " " << spec.bits;
    }
}

// Bits that a network which names one of these codecs rests on.
TEST(MatrixTile, GoldenPayloadsAndDeltas) {
    const auto v = noise(2 * kTile, 12, 40'000);
    std::string all;
    for (const CodecSpec& spec :
         {CodecSpec{chain::kSrht2, 3, 1}, CodecSpec{chain::kSrht2, 1, 8},
          CodecSpec{chain::kGaussian, 5, 8}, CodecSpec{chain::kAms, 4, 4},
          CodecSpec{chain::kCountSketch, 3, 8}, CodecSpec{chain::kSparse1, 3, 16},
          CodecSpec{chain::kSparse2, 2, 4}}) {
        const Bytes payload = encode(spec, v, seed_of(5));
        const auto delta = decode(spec, payload, seed_of(5), v.size()).value();
        Writer writer;
        for (const std::int32_t value : delta) writer.i32(value);
        all += short_hex(crypto::sha256(payload)) + " " + short_hex(crypto::sha256(writer.out())) +
               "\n";
    }
    EXPECT_EQ(all,
              "00c7e7a67955 e2d092564702\n"
              "15239c0324aa d41f4b6289be\n"
              "83441ccc5bba 5d03dffb5e5c\n"
              "70fd16d17cad 5e3a263669ff\n"
              "85b5b4839214 117029d200a3\n"
              "6b9882b74db4 507670dfe66d\n"
              "743d604be181 e8c878d0d2f2\n");
}

}  // namespace
}  // namespace cairn::codec
