// Proves that quantised weights are read as their formats say, that every kernel set gives the
// reference's bits, packed or canonical, with any number of rows and threads, extremes included,
// and that rounding to them stays within half a step.
#include "tensor/quantised.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <memory>

#include "base/bytes.h"
#include "tensor/kernels.h"
#include "tensor/kv_type.h"
#include "tensor/quantised_format.h"
#include "tensor/test_values.h"

namespace cairn::tensor {
namespace {

constexpr WeightType kTypes[] = {WeightType::kQ8_0, WeightType::kQ4_0, WeightType::kW8A8Row,
                                 WeightType::kQ4K,  WeightType::kQ5K,  WeightType::kQ6K,
                                 WeightType::kQ4_1, WeightType::kQ5_0, WeightType::kQ5_1};
/// Those that are written.
constexpr WeightType kWritten[] = {WeightType::kQ8_0, WeightType::kQ4_0, WeightType::kW8A8Row,
                                   WeightType::kQ4_1, WeightType::kQ5_0, WeightType::kQ5_1};

struct Free {
    void operator()(void* memory) const { std::free(memory); }
};
using Storage = std::unique_ptr<void, Free>;

Storage aligned(std::size_t bytes) {
    return Storage(std::aligned_alloc(64, (bytes + 63) / 64 * 64));
}

void put_f16(Bytes& bytes, std::size_t at, float value) {
    const std::uint16_t bits = f32_to_f16(value);
    std::memcpy(bytes.data() + at, &bits, 2);
}

/// Where the block's f16 scales lie; in W8A8-row the row's f32 scale.
void put_scales(Bytes& bytes, std::size_t block, WeightType type, float d, float dmin) {
    if (type == WeightType::kW8A8Row) std::memcpy(bytes.data() + block, &d, 4);
    if (type == WeightType::kW8A8Row) return;
    put_f16(bytes, block + (type == WeightType::kQ6K ? 208 : 0), d);
    if (has_minima(type)) put_f16(bytes, block + 2, dmin);
}

std::size_t block_bytes(WeightType type, std::size_t cols) {
    return weight_row_bytes(type, type == WeightType::kW8A8Row ? cols : weight_group(type));
}

/// Random bytes, so every quant and every group scale occurs, with scales of a real model's size.
Bytes random_blocks(WeightType type, std::size_t rows, std::size_t cols, std::uint64_t stream) {
    Bytes bytes(rows * weight_row_bytes(type, cols));
    for (std::size_t i = 0; i < bytes.size(); ++i)
        bytes[i] = static_cast<std::uint8_t>(philox(77, stream, i)[0]);
    const std::size_t step = block_bytes(type, cols);
    const std::vector<float> scales = normal_values(2 * bytes.size() / step, stream, 0.01);
    for (std::size_t i = 0; i < bytes.size() / step; ++i)
        put_scales(bytes, i * step, type, scales[2 * i], scales[2 * i + 1]);
    return bytes;
}

const Compute& reference() {
    static ThreadPool pool(1);
    static const Compute compute{reference_kernels(), &pool};
    return compute;
}

/// Three columns of C past the weight's rows must stay as they were.
std::vector<float> product(const Compute& compute, const std::vector<float>& a, const Weight& w) {
    const std::size_t m = a.size() / w.cols;
    std::vector<float> c(m * (w.rows + 3), 7.0F);
    matmul_nt(compute, {a.data(), m, w.cols}, w, {c.data(), m, w.rows, w.rows + 3});
    return c;
}

class Quantised : public testing::TestWithParam<KernelSet> {
  protected:
    /// The set's products, canonical and packed, on 1, 2, 3 and 5 threads, against the reference.
    void expect_same(WeightType type, const Bytes& blocks, std::size_t rows,
                     const std::vector<float>& a, const std::string& what) {
        const std::size_t cols = columns_;
        const Weight canonical(type, rows, cols, blocks.data());
        const Storage storage = aligned(quantised_packed_bytes(type, rows, cols));
        const std::vector<float> expected = product(reference(), a, canonical);
        const bool itself = GetParam() == KernelSet::kReference;
        for (const std::size_t threads : {1UL, 2UL, 3UL, 5UL}) {
            if (itself && threads != 3) continue;  // slow, and only the dividing is left to prove
            ThreadPool pool(threads);
            const Compute compute{*kernels_for(GetParam()), &pool};
            const Weight packed = pack_quantised(compute, canonical, storage.get());
            const std::string where = what + " " + std::string(weight_type_name(type)) + " on " +
                                      std::to_string(threads) + " threads";
            ASSERT_EQ(bits_differ(product(compute, a, packed), expected), "") << where;
            if (threads > 2 && !itself) continue;
            ASSERT_EQ(bits_differ(product(compute, a, canonical), expected), "")
                << where << ", canonical";
        }
    }
    std::size_t columns_ = 0;
};

struct Sizes {
    std::size_t m, n, k;
};

TEST_P(Quantised, EqualsTheReference) {
    constexpr Sizes kSizes[] = {{1, 1, 256},  {1, 160, 1024}, {2, 33, 512},  {3, 16, 256},
                                {4, 70, 768}, {5, 48, 256},   {6, 31, 512},  {7, 100, 256},
                                {8, 32, 512}, {13, 65, 1280}, {201, 19, 512}};
    for (const WeightType type : kTypes) {
        for (const Sizes& size : kSizes) {
            columns_ = size.k;
            expect_same(type, random_blocks(type, size.n, size.k, size.k + size.n), size.n,
                        normal_values(size.m * size.k, size.m, 3.0),
                        std::to_string(size.m) + "x" + std::to_string(size.n) + "x" +
                            std::to_string(size.k));
        }
    }
}

TEST_P(Quantised, OddNumbersOfColumns) {
    for (const WeightType type : kWritten) {
        for (const std::size_t k : {4UL, 32UL, 36UL, 96UL, 288UL, 516UL, 544UL, 1056UL}) {
            if (k % weight_group(type) != 0) continue;
            for (const std::size_t m : {1UL, 9UL}) {
                columns_ = k;
                expect_same(type, random_blocks(type, 35, k, k), 35, normal_values(m * k, k + m),
                            std::to_string(k) + " columns");
            }
        }
    }
}

TEST_P(Quantised, MoreRowsThanFitIntoScratch) {
    columns_ = 256;
    for (const WeightType type : {WeightType::kQ8_0, WeightType::kW8A8Row})
        expect_same(type, random_blocks(type, 3, 256, 3), 3, normal_values(777 * 256, 4), "777");
}

/// The longest W8A8-row sums at their largest: 131072 * 128 * 127 still fits into an int32.
TEST_P(Quantised, LongestRows) {
    const std::size_t n = 3, k = kMaxW8A8Columns;
    const WeightType type = WeightType::kW8A8Row;
    columns_ = k;
    for (const int byte : {0x80, 0x7F}) {
        Bytes blocks(n * weight_row_bytes(type, k), static_cast<std::uint8_t>(byte));
        for (std::size_t row = 0; row < n; ++row)
            put_scales(blocks, row * weight_row_bytes(type, k), type, 1.0F, 0.0F);
        std::vector<float> a(2 * k, 1.0F);
        for (std::size_t i = k / 2; i < k; ++i) a[i] = -1.0F;
        expect_same(type, blocks, n, a, "longest, byte " + std::to_string(byte));
    }
}

TEST_P(Quantised, ExtremeQuants) {
    const std::size_t n = 33, k = 1024;
    columns_ = k;
    for (const WeightType type : kTypes) {
        for (const int byte : {0x00, 0x7F, 0x80, 0xFF, 0x88}) {
            Bytes blocks(n * weight_row_bytes(type, k), static_cast<std::uint8_t>(byte));
            for (std::size_t at = 0; at < blocks.size(); at += block_bytes(type, k))
                put_scales(blocks, at, type, 0.5F, 0.25F);
            std::vector<float> a(7 * k);
            for (std::size_t i = 0; i < a.size(); ++i)  // a quant of +-127 everywhere
                a[i] = i / k % 3 == 0 || (i / k % 3 == 1 && i % 2 == 0) ? 1.5F : -1.5F;
            expect_same(type, blocks, n, a, "byte " + std::to_string(byte));
        }
    }
}

TEST_P(Quantised, ExtremeValues) {
    const std::size_t n = 40, k = 512;
    columns_ = k;
    const float infinity = std::numeric_limits<float>::infinity();
    const float scales[] = {0.0F, -0.0F, 1e-7F, 6e-8F, 65504.0F, -65504.0F, -2.5F, 1e-3F};
    for (const WeightType type : kTypes) {
        Bytes blocks = random_blocks(type, n, k, 9);
        const std::size_t step = block_bytes(type, k);
        for (std::size_t i = 0; i < blocks.size() / step; ++i)
            put_scales(blocks, i * step, type, scales[i % 8], scales[(i + 3) % 8]);
        std::vector<float> a = normal_values(16 * k, 10);
        const float rows[] = {0.0F, 0x1p-100F, 0x1p-101F, 1e-42F, 1e-20F, 3e38F, 1e30F, 127.0F};
        for (std::size_t i = 0; i < 8; ++i)
            for (std::size_t j = 0; j < k; ++j) a[i * k + j] = j % 3 == 0 ? rows[i] : -rows[i] / 2;
        for (std::size_t j = 0; j < k; ++j)  // halves: rounding to even matters
            a[7 * k + j] = j % 32 == 0 ? 127.0F : static_cast<float>(j % 32) - 15.5F;
        a[9 * k + 40] = infinity;
        a[10 * k + 1] = -infinity;
        a[11 * k + 511] = std::numeric_limits<float>::quiet_NaN();
        a[12 * k + 3] = 1e38F;
        expect_same(type, blocks, n, a, "extremes");
        // files with such scales are refused; the arithmetic must still agree and not crash
        const float wild[] = {infinity, -infinity, std::numeric_limits<float>::quiet_NaN(), 1.0F};
        for (std::size_t i = 0; i < blocks.size() / step; ++i) {
            put_scales(blocks, i * step, type, wild[i % 4], wild[(i + 1) % 4]);
            if (type == WeightType::kW8A8Row || i % 3 != 0) continue;
            const std::uint16_t bits[] = {0x7C00, 0xFC00, 0x7C01, 0xFE00};
            std::memcpy(blocks.data() + i * step + (type == WeightType::kQ6K ? 208 : 0),
                        &bits[i / 3 % 4], 2);
        }
        expect_same(type, blocks, n, a, "wild scales");
    }
}

INSTANTIATE_TEST_SUITE_P(All, Quantised, testing::ValuesIn(available_kernel_sets()),
                         [](const auto& set) { return std::string(kernel_set_name(set.param)); });

TEST(QuantisedActivations, AnythingNotFiniteMakesTheTokenNan) {
    const std::size_t k = 256;
    for (const WeightType type : kTypes) {
        const Bytes blocks = random_blocks(type, 20, k, 5);
        std::vector<float> a = normal_values(2 * k, 6);
        a[17] = -std::numeric_limits<float>::infinity();
        const std::vector<float> c = product(reference(), a, {type, 20, k, blocks.data()});
        for (std::size_t j = 0; j < 20; ++j) {
            std::uint32_t bits;
            std::memcpy(&bits, &c[j], 4);
            EXPECT_EQ(bits, 0x7FC00000U);
            EXPECT_TRUE(std::isfinite(c[23 + j]));
        }
    }
}

/// A block spelled out from the formats' documentation, one weight at a time.
float weight_by_the_book(WeightType type, const std::uint8_t* row, std::size_t k) {
    const auto f16 = [](const std::uint8_t* at) {
        return f16_to_f32(static_cast<std::uint16_t>(at[0] | at[1] << 8));
    };
    if (type == WeightType::kW8A8Row) {
        float scale;
        std::memcpy(&scale, row, 4);
        return scale * static_cast<float>(static_cast<std::int8_t>(row[4 + k]));
    }
    if (type == WeightType::kQ8_0) {
        const std::uint8_t* b = row + k / 32 * 34;
        return f16(b) * static_cast<float>(static_cast<std::int8_t>(b[2 + k % 32]));
    }
    if (type == WeightType::kQ4_0) {
        const std::uint8_t* b = row + k / 32 * 18;
        const int byte = b[2 + k % 16];
        return f16(b) * static_cast<float>((k % 32 < 16 ? byte & 15 : byte >> 4) - 8);
    }
    if (weight_group(type) == 32) {
        const bool minimum = type != WeightType::kQ5_0, fifth = type != WeightType::kQ4_1;
        const std::uint8_t* b = row + k / 32 * weight_row_bytes(type, 32);
        const std::uint8_t* bits = b + (minimum ? 4 : 2);
        const std::uint8_t* nibbles = bits + (fifth ? 4 : 0);
        int q = nibbles[k % 16] >> (k % 32 < 16 ? 0 : 4) & 15;
        if (fifth) q |= (bits[k % 32 / 8] >> k % 8 & 1) << 4;
        if (!minimum) return f16(b) * static_cast<float>(q - 16);
        return f16(b) * static_cast<float>(q) + f16(b + 2);
    }
    const std::size_t i = k % 256;
    if (type == WeightType::kQ6K) {
        const std::uint8_t* b = row + k / 256 * 210;
        const std::size_t half = i / 128, j = i % 128;
        const int low = b[64 * half + j % 64] >> (j < 64 ? 0 : 4) & 15;
        const int high = b[128 + 32 * half + j % 32] >> 2 * (j / 32) & 3;
        const float scale = static_cast<float>(static_cast<std::int8_t>(b[192 + i / 16]));
        return f16(b + 208) * scale * static_cast<float>((low | high << 4) - 32);
    }
    const bool five = type == WeightType::kQ5K;
    const std::uint8_t* b = row + k / 256 * (five ? 176 : 144);
    const std::uint8_t* s = b + 4;
    const std::size_t g = i / 32;
    const int sc = g < 4 ? s[g] & 63 : (s[g + 4] & 15) | (s[g - 4] >> 6) << 4;
    const int m = g < 4 ? s[g + 4] & 63 : s[g + 4] >> 4 | (s[g] >> 6) << 4;
    int q = b[(five ? 48 : 16) + 32 * (g / 2) + i % 32] >> (g % 2 == 0 ? 0 : 4) & 15;
    if (five) q |= (b[16 + i % 32] >> g & 1) << 4;
    const double exact = static_cast<double>(f16(b)) * sc * q - static_cast<double>(f16(b + 2)) * m;
    return static_cast<float>(exact);
}

TEST(QuantisedRows, AreWhatTheFormatsSay) {
    const std::size_t rows = 21, cols = 768;
    for (const WeightType type : kTypes) {
        const Bytes blocks = random_blocks(type, rows, cols, 8);
        const Weight canonical(type, rows, cols, blocks.data());
        const Storage storage = aligned(quantised_packed_bytes(type, rows, cols));
        const Weight packed = pack_quantised(reference(), canonical, storage.get());
        std::vector<float> expected(cols), found(cols), unpacked(cols);
        for (std::size_t row = 0; row < rows; ++row) {
            for (std::size_t k = 0; k < cols; ++k)
                expected[k] =
                    weight_by_the_book(type, blocks.data() + row * weight_row_bytes(type, cols), k);
            quantised_row(canonical, row, found.data());
            quantised_row(packed, row, unpacked.data());
            for (std::size_t k = 0; k < cols; ++k)
                ASSERT_EQ(found[k], expected[k])
                    << weight_type_name(type) << " " << row << " " << k;
            ASSERT_EQ(bits_differ(unpacked, found), "") << weight_type_name(type);
        }
    }
}

TEST(QuantisedRows, ProductsAreCloseToExact) {
    const std::size_t m = 3, n = 20, k = 1024;
    for (const WeightType type : kTypes) {
        const Bytes blocks = random_blocks(type, n, k, 11);
        const std::vector<float> a = normal_values(m * k, 12);
        const Weight w(type, n, k, blocks.data());
        const std::vector<float> c = product(reference(), a, w);
        std::vector<float> row(k);
        for (std::size_t j = 0; j < n; ++j) {
            quantised_row(w, j, row.data());
            for (std::size_t i = 0; i < m; ++i) {
                double exact = 0.0, size = 0.0;
                for (std::size_t p = 0; p < k; ++p) {
                    const double term = static_cast<double>(a[i * k + p]) * row[p];
                    exact += term;
                    size += term * term;
                }
                EXPECT_NEAR(c[i * (n + 3) + j], exact, 0.05 * std::sqrt(size))
                    << weight_type_name(type);
            }
        }
    }
}

TEST(Quantisers, StayWithinHalfAStep) {
    const std::size_t rows = 9, cols = 512;
    std::vector<float> x = normal_values(rows * cols, 13, 0.05);
    for (std::size_t i = 0; i < 32; ++i) x[cols + i] = 0.0F;
    for (std::size_t i = 0; i < 32; ++i) x[cols + 32 + i] = i % 2 == 0 ? 1e-41F : -1e-40F;
    for (const WeightType type : kWritten) {
        Bytes blocks(rows * weight_row_bytes(type, cols));
        ASSERT_TRUE(quantise({x.data(), rows, cols}, type, blocks.data()).ok());
        std::vector<float> back(cols);
        for (std::size_t row = 0; row < rows; ++row) {
            quantised_row({type, rows, cols, blocks.data()}, row, back.data());
            const float* from = x.data() + row * cols;
            for (std::size_t k = 0; k < cols; ++k) {
                const std::size_t group = type == WeightType::kW8A8Row ? cols : 32;
                float most = 0.0F, low = from[k], high = from[k];
                for (std::size_t i = k / group * group; i < k / group * group + group; ++i) {
                    most = std::max(most, std::fabs(from[i]));
                    low = std::min(low, from[i]);
                    high = std::max(high, from[i]);
                }
                // q4_0 reaches from -8 to 7, q5_0 from -16 to 15: the far end may be cut by a whole
                // step; and scales are f16
                const bool cut = type == WeightType::kQ4_0 || type == WeightType::kQ5_0;
                const float step = type == WeightType::kQ4_0   ? most / 8.0F
                                   : type == WeightType::kQ5_0 ? most / 16.0F
                                   : type == WeightType::kQ4_1 ? (high - low) / 15.0F
                                   : type == WeightType::kQ5_1 ? (high - low) / 31.0F
                                                               : most / 127.0F;
                ASSERT_LE(std::fabs(back[k] - from[k]), (cut ? 1.01F : 0.57F) * step + 1e-7F)
                    << weight_type_name(type) << " " << row << " " << k;
            }
        }
    }
}

TEST(Quantisers, RoundAsGgufDoes) {
    std::vector<float> x(32, 0.0F);
    x[0] = -127.0F;  // scale 1
    x[1] = 0.5F;     // halves go away from zero
    x[2] = -2.5F;
    x[3] = 2.5F;
    x[4] = 126.49F;
    Bytes block(34);
    ASSERT_TRUE(quantise({x.data(), 1, 32}, WeightType::kQ8_0, block.data()).ok());
    EXPECT_EQ(block[0] | block[1] << 8, 0x3C00);
    const int expected8[] = {-127, 1, -3, 3, 126, 0};
    for (std::size_t i = 0; i < 6; ++i)
        EXPECT_EQ(static_cast<std::int8_t>(block[2 + i]), expected8[i]) << i;

    std::vector<float> y(32, 0.0F);
    y[0] = 8.0F;  // the extreme value becomes -8, so the scale is -1
    y[1] = -8.0F;
    y[16] = 0.5F;
    y[17] = -0.5F;
    ASSERT_TRUE(quantise({y.data(), 1, 32}, WeightType::kQ4_0, block.data()).ok());
    EXPECT_EQ(block[0] | block[1] << 8, 0xBC00);
    EXPECT_EQ(block[2], 0 | 8 << 4);
    EXPECT_EQ(block[3], 15 | 9 << 4);
    EXPECT_EQ(block[4], 8 | 8 << 4);
}

/// Q5_0 is Q8_0 of smaller numbers, so their products are the same; Q4_1 and Q5_1 with fifth bits
/// of zero are, too.
TEST(Quantised, TypesOfTheSameValuesGiveTheSameProducts) {
    const std::size_t rows = 37, cols = 352, blocks = rows * cols / 32;
    const Bytes five = random_blocks(WeightType::kQ5_0, rows, cols, 21);
    const Bytes four = random_blocks(WeightType::kQ4_1, rows, cols, 22);
    Bytes eight(blocks * 34), longer(blocks * 24, 0);
    std::vector<float> values(cols);
    for (std::size_t b = 0; b < blocks; ++b) {
        std::memcpy(&eight[b * 34], &five[b * 22], 2);
        for (std::size_t i = 0; i < 32; ++i) {
            const int bit = five[b * 22 + 2 + i / 8] >> i % 8 & 1;
            const int nibble = five[b * 22 + 6 + i % 16] >> (i < 16 ? 0 : 4) & 15;
            eight[b * 34 + 2 + i] = static_cast<std::uint8_t>((nibble | bit << 4) - 16);
        }
        std::memcpy(&longer[b * 24], &four[b * 20], 4);
        std::memcpy(&longer[b * 24 + 8], &four[b * 20 + 4], 16);
    }
    const std::vector<float> a = normal_values(5 * cols, 23);
    for (const KernelSet set : available_kernel_sets()) {
        ThreadPool pool(2);
        const Compute compute{*kernels_for(set), &pool};
        const auto of = [&](WeightType type, const Bytes& bytes) {
            return product(compute, a, {type, rows, cols, bytes.data()});
        };
        EXPECT_EQ(bits_differ(of(WeightType::kQ5_0, five), of(WeightType::kQ8_0, eight)), "");
        EXPECT_EQ(bits_differ(of(WeightType::kQ4_1, four), of(WeightType::kQ5_1, longer)), "");
    }
}

/// What llama.cpp's ggml_quantize_chunk (v0.5.0) writes of these values.
TEST(Quantisers, MinimaAndFifthBitsAsGguf) {
    std::vector<float> x(32);
    for (std::size_t i = 0; i < 32; ++i)
        x[i] = (static_cast<float>((i * 37 + 11) % 64) - 20.0F) * 0.37F;
    const auto written = [&](WeightType type) {
        Bytes block(weight_row_bytes(type, 32));
        EXPECT_TRUE(quantise({x.data(), 1, 32}, type, block.data()).ok());
        return to_hex(block);
    };
    EXPECT_EQ(written(WeightType::kQ4_0), "96bf7ac358a1368b1469b24790257b0359b1");
    EXPECT_EQ(written(WeightType::kQ4_1), "053e66c7730c952ec851ea731da63fc862fb841d");
    EXPECT_EQ(written(WeightType::kQ5_0), "96bba5502a85d48590415c0628c2748e304bf507b153");
    EXPECT_EQ(written(WeightType::kQ5_1), "d33966c75aad546ae6083b5d80a2d5f72a4c7f91c4e6193b");
}

TEST(Quantisers, RefuseWhatTheyCannotHold) {
    std::vector<float> x(256, 1.0F);
    Bytes block(300);
    EXPECT_EQ(quantise({x.data(), 1, 256}, WeightType::kQ4K, block.data()).error().code,
              ErrorCode::kUnsupported);
    for (const float bad :
         {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
        x[100] = bad;
        x[101] = 2.0F;
        for (const WeightType type : kWritten)
            EXPECT_EQ(quantise({x.data(), 1, 256}, type, block.data()).error().code,
                      ErrorCode::kInvalid);
    }
    x[100] = 1e9F;
    EXPECT_FALSE(quantise({x.data(), 1, 256}, WeightType::kQ8_0, block.data()).ok());
    EXPECT_TRUE(quantise({x.data(), 1, 256}, WeightType::kW8A8Row, block.data()).ok());
}

/// Frozen: another result here is another numerics version.
TEST(QuantisedGolden, Products) {
    constexpr std::uint64_t kExpected[] = {
        0xe087f349aa4e5fd0, 0xca8f7441c051ba2f, 0xd6690650754f144c,
        0xcd1a50d421b63ded, 0x624c1d02c08f9984, 0x45f13036beb0ed26,
        0x59b668b5292f857e, 0x16943cc98c23c156, 0x48fc0df4bd86bd00};
    for (const KernelSet set : available_kernel_sets()) {
        ThreadPool pool(2);
        const Compute compute{*kernels_for(set), &pool};
        for (std::size_t i = 0; i < std::size(kTypes); ++i) {
            const std::size_t n = 37, k = 1280;
            const Bytes blocks = random_blocks(kTypes[i], n, k, 14);
            const std::vector<float> a = normal_values(11 * k, 15);
            const std::uint64_t found =
                fnv1a(product(compute, a, {kTypes[i], n, k, blocks.data()}));
            EXPECT_EQ(found, kExpected[i]) << weight_type_name(kTypes[i]) << ": found 0x"
                                           << std::hex << found << " with " << kernel_set_name(set);
        }
    }
}

}  // namespace
}  // namespace cairn::tensor
