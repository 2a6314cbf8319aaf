// Proves the codec: sketching is linear and exact, de-sketching unbiased with the variance of
// papers A: Table 1, payloads have one spelling and one size, decoded deltas stay in bounds, and
// the bits are the golden ones whichever kernels computed them.
#include "codec/codec.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "base/encoding.h"
#include "base/random.h"
#include "codec/codec_tiles.h"
#include "codec/quantise.h"
#include "crypto/hash.h"
#include "tensor/philox.h"

namespace cairn::codec {
namespace {

Hash256 seed_of(std::uint64_t number) {
    Writer writer;
    writer.u64(number);
    return crypto::sha256(writer.out());
}

/// Sums of uniforms, roughly normal with standard deviation `sigma`.
std::vector<std::int32_t> noise(std::size_t count, std::uint64_t seed, double sigma) {
    SeededRandom random(seed);
    std::vector<std::int32_t> values(count);
    for (std::int32_t& value : values) {
        std::int64_t sum = 0;
        for (int i = 0; i < 4; ++i) sum += static_cast<std::int64_t>(random.below(65536)) - 32768;
        value = static_cast<std::int32_t>(static_cast<double>(sum) / 37837.0 * sigma);
    }
    return values;
}

double dot(const std::vector<std::int32_t>& a, const std::vector<std::int32_t>& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += double{1.0} * a[i] * b[i];
    return sum;
}

std::vector<CodecSpec> all_specs() {
    std::vector<CodecSpec> specs;
    for (const std::uint32_t ratio : {0U, 1U, 3U, 5U, chain::kMaxLog2Ratio})
        for (const std::uint32_t bits : {1U, 4U, 8U, 16U})
            specs.push_back({CodecKind::kSrht, ratio, bits});
    specs.push_back({CodecKind::kDense, 0, 8});
    return specs;
}

std::string name(const CodecSpec& spec) {
    return (spec.kind == CodecKind::kDense ? "dense" : "srht") + std::string(" 1/") +
           std::to_string(1 << spec.log2_ratio) + " at " + std::to_string(spec.bits);
}

TEST(Sketch, IsLinearAndExact) {
    const auto a = noise(kTile, 1, 50000);
    const auto b = noise(kTile, 2, 50000);
    std::vector<std::int32_t> both(kTile);
    for (std::size_t i = 0; i < kTile; ++i) both[i] = a[i] - 3 * b[i];
    SketchTile sketch;
    sketch.draw(seed_of(7), 3, 512);
    std::vector<std::int64_t> za(512), zb(512), zboth(512);
    sketch.sketch(a, za);
    sketch.sketch(b, zb);
    sketch.sketch(both, zboth);
    for (std::size_t j = 0; j < 512; ++j) EXPECT_EQ(zboth[j], za[j] - 3 * zb[j]);
}

TEST(Sketch, AllRowsKeepTheEnergyExactly) {
    const auto v = noise(kTile, 3, 1000);
    SketchTile sketch;
    sketch.draw(seed_of(1), 0, kTile);
    std::vector<std::int64_t> z(kTile);
    sketch.sketch(v, z);
    std::int64_t energy = 0, sketched = 0;
    for (std::size_t i = 0; i < kTile; ++i) {
        energy += std::int64_t{v[i]} * v[i];
        sketched += z[i] * z[i];
    }
    EXPECT_EQ(sketched, 4096 * energy);
}

// papers A: Table 1 for SRHT: E||desk sk h||^2 = (D/s) ||h||^2, for a spread and for a one-hot
// vector.
TEST(Sketch, VarianceIsTheOneOfTable1) {
    std::vector<std::int32_t> one_hot(kTile, 0);
    one_hot[1234] = 1 << 20;
    for (const auto& h : {noise(kTile, 4, 1 << 16), one_hot}) {
        for (const std::size_t s : {std::size_t{2048}, std::size_t{512}}) {
            double total = 0;
            constexpr int kSeeds = 200;
            std::vector<std::int64_t> z(s);
            SketchTile sketch;
            for (int i = 0; i < kSeeds; ++i) {
                sketch.draw(seed_of(static_cast<std::uint64_t>(i)), 0, s);
                sketch.sketch(h, z);
                double square = 0;
                for (const std::int64_t value : z)
                    square += static_cast<double>(value) * static_cast<double>(value);
                // ||(1/s) D W S^T z||^2 = (D/s^2) ||z||^2, because W W = D I.
                total += 4096.0 / static_cast<double>(s * s) * square;
            }
            const double ratio = total / kSeeds / dot(h, h);
            EXPECT_NEAR(ratio, 4096.0 / static_cast<double>(s),
                        0.02 * 4096.0 / static_cast<double>(s));
        }
    }
}

TEST(Codec, IsUnbiasedOverSeeds) {
    const auto v = noise(kTile, 5, 30000);
    const double energy = dot(v, v);
    constexpr int kSeeds = 400;
    for (const CodecSpec& spec :
         {CodecSpec{CodecKind::kSrht, 3, 1}, CodecSpec{CodecKind::kSrht, 1, 1},
          CodecSpec{CodecKind::kSrht, 3, 4}, CodecSpec{CodecKind::kSrht, 5, 16}}) {
        std::vector<double> mean(kTile, 0.0);
        double norm = 0;
        for (int i = 0; i < kSeeds; ++i) {
            const Hash256 seed = seed_of(static_cast<std::uint64_t>(i));
            const auto back = decode(spec, encode(spec, v, seed), seed, kTile).value();
            norm += dot(back, back) / kSeeds;
            for (std::size_t j = 0; j < kTile; ++j) mean[j] += back[j] / double{kSeeds};
        }
        double error = 0, along = 0;
        for (std::size_t j = 0; j < kTile; ++j) {
            error += (mean[j] - v[j]) * (mean[j] - v[j]);
            along += mean[j] * v[j];
        }
        EXPECT_NEAR(along / energy, 1.0, 0.02) << name(spec);
        // What is left must be the sampling error of an unbiased estimator: (E||.||^2 - ||v||^2)/n.
        EXPECT_LT(error, 1.15 * (norm - energy) / kSeeds) << name(spec);
        const double quantiser = spec.bits == 1 ? 1.5708 : 1.0;
        EXPECT_NEAR(norm / energy, quantiser * (1 << spec.log2_ratio),
                    0.05 * (1 << spec.log2_ratio))
            << name(spec);
    }
}

// By the cosine of two payloads of one delta under different seeds.
TEST(Codec, TwoPayloadsAreAsAlikeAsTheSpecSays) {
    const std::vector<std::int32_t> delta = noise(64 * kTile, 5, 1000);
    for (const CodecSpec& spec :
         {CodecSpec{CodecKind::kSrht, 0, 1}, CodecSpec{CodecKind::kSrht, 3, 1},
          CodecSpec{CodecKind::kSrht, 2, 4}, CodecSpec{CodecKind::kSrht, 3, 8},
          CodecSpec{CodecKind::kSrht, 1, 16}, CodecSpec{CodecKind::kDense, 0, 8}}) {
        std::vector<std::vector<std::int32_t>> back;
        for (const int number : {1, 2}) {
            Hash256 seed;
            seed.bytes.fill(static_cast<std::uint8_t>(number));
            back.push_back(decode(spec, encode(spec, delta, seed), seed, delta.size()).value());
        }
        const double cosine =
            dot(back[0], back[1]) / std::sqrt(dot(back[0], back[0]) * dot(back[1], back[1]));
        EXPECT_NEAR(cosine * 65536 / static_cast<double>(chain::payload_cosine(spec)), 1, 0.05)
            << spec.log2_ratio << " " << spec.bits;
    }
}

TEST(Codec, FullSketchAndDenseComeBackClosely) {
    const auto v = noise(2 * kTile, 6, 30000);
    for (const CodecSpec& spec :
         {CodecSpec{CodecKind::kSrht, 0, 16}, CodecSpec{CodecKind::kDense, 0, 8}}) {
        const auto back = decode(spec, encode(spec, v, seed_of(1)), seed_of(1), v.size()).value();
        const double step = spec.bits == 16 ? 40 : 1000;
        for (std::size_t i = 0; i < v.size(); ++i) EXPECT_NEAR(back[i], v[i], step) << name(spec);
    }
}

TEST(Codec, ZeroStaysZero) {
    const std::vector<std::int32_t> v(2 * kTile, 0);
    for (const CodecSpec& spec : all_specs()) {
        const Bytes payload = encode(spec, v, seed_of(1));
        EXPECT_EQ(payload, Bytes(payload_size(spec, v.size()), 0)) << name(spec);
        EXPECT_EQ(decode(spec, payload, seed_of(1), v.size()).value(), v) << name(spec);
    }
}

TEST(Codec, StaysInsideTheBoundAtTheExtremes) {
    std::vector<std::int32_t> v(kTile, kDeltaLimit - 1);
    for (std::size_t i = 0; i < kTile; i += 3) v[i] = 1 - kDeltaLimit;
    for (const CodecSpec& spec : all_specs()) {
        const auto back = decode(spec, encode(spec, v, seed_of(2)), seed_of(2), kTile);
        ASSERT_TRUE(back.ok()) << name(spec);
        for (const std::int32_t value : *back)
            ASSERT_TRUE(value > -kDeltaLimit && value < kDeltaLimit) << name(spec);
    }
}

// Everything that a decoder accepts is inside the bound: random bytes under the largest scale.
TEST(Codec, AcceptedPayloadsStayInsideTheBound) {
    SeededRandom random(9);
    for (const CodecSpec& spec : all_specs()) {
        Bytes payload(payload_size(spec, kTile));
        random.fill(payload);
        const std::uint32_t scale = largest_scale(spec.bits);
        for (std::size_t i = 0; i < 4; ++i)
            payload[i] = static_cast<std::uint8_t>(scale >> (8 * i));
        for (std::size_t i = 4; i < payload.size(); ++i)
            if (payload[i] == 0x80 || payload[i] == 0 || spec.bits == 4) payload[i] = 0x77;
        const auto back = decode(spec, payload, seed_of(3), kTile);
        ASSERT_TRUE(back.ok()) << name(spec) << back.error().message;
        for (const std::int32_t value : *back)
            ASSERT_TRUE(value > -kDeltaLimit && value < kDeltaLimit) << name(spec);
    }
}

TEST(Codec, RefusesMalformedPayloads) {
    const auto v = noise(kTile, 8, 30000);
    for (const CodecSpec& spec : all_specs()) {
        const Bytes good = encode(spec, v, seed_of(4));
        ASSERT_TRUE(decode(spec, good, seed_of(4), kTile).ok());
        const auto refuses = [&](const Bytes& payload) {
            return !decode(spec, payload, seed_of(4), kTile).ok();
        };
        Bytes bad = good;
        bad.push_back(0);
        EXPECT_TRUE(refuses(bad)) << name(spec) << ": trailing byte";
        bad.resize(good.size() - 1);
        EXPECT_TRUE(refuses(bad)) << name(spec) << ": short";
        EXPECT_TRUE(refuses({})) << name(spec) << ": empty";
        bad = good;
        std::fill(bad.begin(), bad.begin() + 4, std::uint8_t{0});
        EXPECT_TRUE(refuses(bad)) << name(spec) << ": values under scale 0";
        const std::uint32_t scale = largest_scale(spec.bits) + 1;
        for (std::size_t i = 0; i < 4; ++i) bad[i] = static_cast<std::uint8_t>(scale >> (8 * i));
        EXPECT_TRUE(refuses(bad)) << name(spec) << ": scale beyond the bound";
        if (spec.bits == 1) continue;
        bad = good;
        std::fill(bad.begin() + 4, bad.end(), std::uint8_t{0});
        EXPECT_TRUE(refuses(bad)) << name(spec) << ": scale without values";
        bad = good;
        bad[4] = spec.bits == 4 ? 0x08 : (spec.bits == 8 ? 0x80 : 0x00);
        if (spec.bits == 16) bad[5] = 0x80;
        EXPECT_TRUE(refuses(bad)) << name(spec) << ": lowest value";
    }
}

TEST(Codec, PackAndUnpackAreInverse) {
    SeededRandom random(11);
    for (const std::uint32_t bits : {1U, 4U, 8U, 16U}) {
        std::vector<std::int32_t> q(64), back(64);
        const std::int32_t top = largest_value(bits);
        for (std::int32_t& value : q)
            value = bits == 1 ? (random.below(2) != 0 ? 1 : -1)
                              : static_cast<std::int32_t>(
                                    random.below(2 * static_cast<std::uint64_t>(top) + 1)) -
                                    top;
        Bytes packed;
        pack(q, bits, packed);
        ASSERT_TRUE(unpack(packed, bits, 1, back).ok());
        EXPECT_EQ(q, back);
    }
}

TEST(Codec, RefusesWhatNoNetworkMayHave) {
    for (const CodecSpec& spec :
         {CodecSpec{CodecKind::kSrht, chain::kMaxLog2Ratio + 1, 1},
          CodecSpec{CodecKind::kSrht, 3, 2}, CodecSpec{CodecKind::kDense, 1, 8},
          CodecSpec{static_cast<CodecKind>(7), 3, 1}})
        EXPECT_FALSE(decode(spec, Bytes(payload_size(spec, kTile)), seed_of(1), kTile).ok());
}

TEST(Codec, GoldenPayloadsAndDeltas) {
    const auto v = noise(3 * kTile, 12, 20000);
    std::string all;
    for (const CodecSpec& spec :
         {CodecSpec{CodecKind::kSrht, 3, 1}, CodecSpec{CodecKind::kSrht, 1, 4},
          CodecSpec{CodecKind::kSrht, 5, 8}, CodecSpec{CodecKind::kSrht, 0, 16},
          CodecSpec{CodecKind::kDense, 0, 8}}) {
        const Bytes payload = encode(spec, v, seed_of(5));
        const auto delta = decode(spec, payload, seed_of(5), v.size()).value();
        Writer writer;
        for (const std::int32_t value : delta) writer.i32(value);
        all += short_hex(crypto::sha256(payload)) + " " + short_hex(crypto::sha256(writer.out())) +
               "\n";
    }
    EXPECT_EQ(all,
              "20ceb66449c1 68ee24b44117\n"
              "691701cd35ee 3436b3bfe5d6\n"
              "97534bd0a442 05776aa0bf20\n"
              "ae404af9c2a7 451b59781cb3\n"
              "fb853de95476 573001ca99a8\n");
}

TEST(SrhtKernels, EveryVariantGivesTheSameIntegers) {
    SeededRandom random(13);
    const std::uint64_t seed = random.u64(), stream = random.u64();
    std::vector<std::uint32_t> signs(kTile / 32);
    for (std::uint32_t& word : signs) word = static_cast<std::uint32_t>(random.u64());
    std::vector<std::int32_t> x(kTile);
    for (std::int32_t& value : x) value = static_cast<std::int32_t>(random.below(65535)) - 32767;
    const std::vector<std::int64_t> wide(x.begin(), x.end());
    const SrhtKernels& plain = srht_kernels(tensor::KernelSet::kScalar);
    std::vector<std::uint32_t> words(256);
    plain.random_words(seed, stream, 0xFFFFFFFF0ULL, words.data(), 64);
    for (std::uint64_t i = 0; i < 64; ++i) {
        const auto expected = tensor::philox(seed, stream, 0xFFFFFFFF0ULL + i);
        for (std::size_t j = 0; j < 4; ++j) EXPECT_EQ(words[4 * i + j], expected[j]);
    }
    auto x_plain = x;
    auto wide_plain = wide;
    plain.transform32(x_plain.data());
    plain.transform64(wide_plain.data());
    std::vector<std::int32_t> scaled(kTile);
    plain.scale_signed(x_plain.data(), signs.data(), 4001, 11, scaled.data());
    for (std::size_t i = 0; i < kTile; ++i) {
        EXPECT_EQ(x_plain[i], wide_plain[i]);
        const double exact =
            4001.0 * x_plain[i] / 2048.0 * ((signs[i / 32] >> (i % 32) & 1U) != 0 ? -1 : 1);
        EXPECT_EQ(scaled[i], std::round(exact));
    }
    for (const tensor::KernelSet set : tensor::available_kernel_sets()) {
        const SrhtKernels& other = srht_kernels(set);
        std::vector<std::uint32_t> words2(256);
        other.random_words(seed, stream, 0xFFFFFFFF0ULL, words2.data(), 64);
        EXPECT_EQ(words, words2);
        auto x2 = x;
        auto wide2 = wide;
        other.transform32(x2.data());
        other.transform64(wide2.data());
        EXPECT_EQ(x2, x_plain);
        EXPECT_EQ(wide2, wide_plain);
        std::vector<std::int32_t> scaled2(kTile);
        other.scale_signed(x_plain.data(), signs.data(), 4001, 11, scaled2.data());
        EXPECT_EQ(scaled2, scaled);
    }
}

// The definition in srht_kernels.h, entry by entry, on a few columns.
TEST(SrhtKernels, TransformIsTheHadamardMatrixItSaysItIs) {
    for (const std::uint32_t column : {0U, 1U, 63U, 64U, 1000U, 4095U}) {
        std::vector<std::int32_t> x(kTile, 0);
        x[column] = 1;
        srht_kernels().transform32(x.data());
        const std::uint32_t swapped = (column >> 6) | (column & 63U) << 6;
        for (std::uint32_t i = 0; i < kTile; ++i)
            ASSERT_EQ(x[i], __builtin_popcount(i & swapped) % 2 == 0 ? 1 : -1);
    }
}

TEST(Codec, FixedPointRoundsToEvenAndClamps) {
    const float unit = 1.0F / 16777216.0F;
    const std::vector<float> in = {0.0F,   2.5F * unit, 3.5F * unit,   -2.5F * unit, 1.0F,
                                   100.0F, -100.0F,     std::nanf(""), -INFINITY};
    const std::vector<std::int32_t> expected = {
        0, 2, 4, -2, 1 << 24, kDeltaLimit - 1, 1 - kDeltaLimit, 0, 1 - kDeltaLimit};
    EXPECT_EQ(to_fixed(in), expected);
}

}  // namespace
}  // namespace cairn::codec
