// Proves that a weight gives the same bits in every form: canonical or packed, any kernel set, any
// number of rows and threads; and that its names and sizes are those of the file formats.
#include "tensor/weight.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>

#include "tensor/kernels.h"
#include "tensor/kv_type.h"
#include "tensor/matmul.h"
#include "tensor/test_values.h"

namespace cairn::tensor {
namespace {

constexpr WeightType kDense[] = {WeightType::kF32, WeightType::kF16, WeightType::kBf16};

struct Free {
    void operator()(void* memory) const { std::free(memory); }
};
using Storage = std::unique_ptr<void, Free>;

Storage aligned(std::size_t bytes) {
    return Storage(std::aligned_alloc(64, (bytes + 64) / 64 * 64));
}

TEST(Weight, NamesAndSizes) {
    for (int i = 0; i <= 11; ++i) {
        const auto type = static_cast<WeightType>(i);
        EXPECT_EQ(parse_weight_type(weight_type_name(type)).value(), type);
    }
    EXPECT_NE(parse_weight_type("q3_k").error().message.find("f32, f16, bf16, q8_0"),
              std::string::npos);
    EXPECT_EQ(weight_row_bytes(WeightType::kF16, 5), 10u);
    EXPECT_EQ(weight_row_bytes(WeightType::kQ8_0, 64), 68u);
    EXPECT_EQ(weight_row_bytes(WeightType::kQ4_0, 64), 36u);
    EXPECT_EQ(weight_row_bytes(WeightType::kW8A8Row, 64), 68u);
    EXPECT_EQ(weight_row_bytes(WeightType::kQ4K, 512), 288u);
    EXPECT_EQ(weight_row_bytes(WeightType::kQ5K, 256), 176u);
    EXPECT_EQ(weight_row_bytes(WeightType::kQ6K, 256), 210u);
    EXPECT_EQ(weight_row_bytes(WeightType::kQ4_1, 64), 40u);
    EXPECT_EQ(weight_row_bytes(WeightType::kQ5_0, 64), 44u);
    EXPECT_EQ(weight_row_bytes(WeightType::kQ5_1, 64), 48u);
}

/// A dense weight in canonical and in packed form, and the fp32 matrix that both stand for.
struct Forms {
    std::vector<float> wide;
    std::vector<std::byte> bytes;
    Storage storage;
    Weight canonical, packed;

    Forms(WeightType type, std::size_t rows, std::size_t cols)
        : wide(normal_values(rows * cols, 5, 0.1)),
          bytes(rows * weight_row_bytes(type, cols)),
          storage(aligned(packed_bytes(type, rows, cols))),
          canonical(type, rows, cols, bytes.data()) {
        for (std::size_t i = 3; i < wide.size(); i += 97) wide[i] = i % 2 == 0 ? -1e-6F : 70000.0F;
        EXPECT_TRUE(quantise_weight({wide.data(), rows, cols}, type, bytes.data()).ok());
        if (type == WeightType::kF16) round_to_kv_type(KvType::kF16, wide.size(), wide.data());
        if (type == WeightType::kBf16) round_to_kv_type(KvType::kBf16, wide.size(), wide.data());
        ThreadPool pool(3);
        packed = pack_weight({reference_kernels(), &pool}, canonical, storage.get());
    }
};

TEST(Weight, RowsAreTheValues) {
    for (const WeightType type : kDense) {
        const Forms forms(type, 37, 19);
        for (const Weight& w : {forms.canonical, forms.packed}) {
            std::vector<float> found(forms.wide.size());
            for (std::size_t i = 0; i < w.rows; ++i) weight_row(w, i, found.data() + i * w.cols);
            EXPECT_EQ(bits_differ(found, forms.wide), "") << weight_type_name(type);
        }
    }
}

class WeightSets : public testing::TestWithParam<KernelSet> {
  protected:
    static void expect_products(WeightType type, std::size_t m, std::size_t n, std::size_t k) {
        const Forms forms(type, n, k);
        const std::vector<float> a = normal_values(m * (k + 3), 1);
        const ConstMatrix a_view(a.data(), m, k, k + 3);
        std::vector<float> expected(m * (n + 2), 7.0F);
        ThreadPool one(1);
        matmul_nt({reference_kernels(), &one}, a_view, ConstMatrix(forms.wide.data(), n, k),
                  {expected.data(), m, n, n + 2});
        for (const std::size_t threads : {1UL, 2UL, 3UL, 5UL}) {
            ThreadPool pool(threads);
            const Compute compute{*kernels_for(GetParam()), &pool};
            for (const Weight& w : {forms.canonical, forms.packed}) {
                std::vector<float> found(m * (n + 2), 7.0F);
                matmul_nt(compute, a_view, w, {found.data(), m, n, n + 2});
                ASSERT_EQ(bits_differ(found, expected), "")
                    << weight_type_name(type) << (w.packed ? " packed " : " canonical ") << m << "x"
                    << n << "x" << k << ", " << threads << " threads";
            }
        }
    }
};

TEST_P(WeightSets, DenseProductsAreRuleOne) {
    struct Shape {
        std::size_t n, k;
    };
    for (const WeightType type : kDense) {
        for (const Shape s : {Shape{1, 1}, {16, 16}, {33, 257}, {100, 300}, {7, 0}, {80, 1100}})
            for (const std::size_t m : {1U, 2U, 3U, 5U, 13U}) expect_products(type, m, s.n, s.k);
        const std::size_t step = GetParam() == KernelSet::kReference ? 23 : 1;
        for (std::size_t m = 1; m <= 70; m += step) expect_products(type, m, 49, 265);
        expect_products(type, 1, 2200, 600);  // enough work for every thread
        expect_products(type, 300, 83, 530);
    }
}

TEST_P(WeightSets, ProductsWithOneInputAreEachTheirOwn) {
    constexpr WeightType kMixes[][3] = {
        {WeightType::kQ8_0, WeightType::kQ8_0, WeightType::kQ8_0},
        {WeightType::kF16, WeightType::kF16, WeightType::kF16},
        {WeightType::kF32, WeightType::kF32, WeightType::kF32},
        {WeightType::kW8A8Row, WeightType::kQ4_0, WeightType::kQ4_0},
        {WeightType::kBf16, WeightType::kQ6K, WeightType::kF16},
        {WeightType::kQ5_0, WeightType::kQ4_1, WeightType::kQ5_1},
    };
    constexpr std::size_t kRows[] = {70, 1, 333};
    constexpr std::size_t kCols = 768;
    ThreadPool one(1);
    for (const auto& mix : kMixes) {
        std::vector<std::vector<std::byte>> bytes;
        for (std::size_t i = 0; i < 3; ++i) {
            bytes.emplace_back(kRows[i] * weight_row_bytes(mix[i], kCols));
            for (std::size_t j = 0; j < bytes[i].size(); ++j)
                bytes[i][j] = static_cast<std::byte>((j * (37 + i)) >> 3 & 0x37U);
        }
        for (const std::size_t m : {1U, 2U, 9U, 800U}) {
            if (m > 9 && GetParam() == KernelSet::kReference) continue;
            const std::vector<float> a = normal_values(m * kCols, 5);
            for (const bool packed : {false, true}) {
                for (const std::size_t threads : {1UL, 2UL, 5UL}) {
                    if (m > 9 && (packed || threads != 2)) continue;
                    ThreadPool pool(threads);
                    const Compute compute{*kernels_for(GetParam()), &pool};
                    std::vector<Storage> storage;
                    std::vector<std::vector<float>> expected, found;
                    std::vector<Product> products;
                    for (std::size_t i = 0; i < 3; ++i) {
                        Weight w(mix[i], kRows[i], kCols, bytes[i].data());
                        expected.emplace_back(m * kRows[i]);
                        found.emplace_back(m * kRows[i]);
                        matmul_nt({*kernels_for(GetParam()), &one}, {a.data(), m, kCols}, w,
                                  {expected[i].data(), m, kRows[i]});
                        storage.push_back(aligned(packed_bytes(mix[i], kRows[i], kCols)));
                        if (packed) w = pack_weight(compute, w, storage[i].get());
                        products.push_back({w, {found[i].data(), m, kRows[i]}});
                    }
                    matmul_nt(compute, {a.data(), m, kCols}, products);
                    for (std::size_t i = 0; i < 3; ++i)
                        ASSERT_EQ(bits_differ(found[i], expected[i]), "")
                            << weight_type_name(mix[i]) << " " << m << ", " << threads;
                }
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(All, WeightSets, testing::ValuesIn(available_kernel_sets()),
                         [](const auto& set) { return std::string(kernel_set_name(set.param)); });

}  // namespace
}  // namespace cairn::tensor
