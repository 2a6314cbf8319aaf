// Proves that decoding, one query for each sequence, gives the reference's bits
// for every kernel set: grouped heads, odd lengths of the cache, narrow caches,
// several threads.
#include <gtest/gtest.h>

#include <string>

#include "tensor/attention.h"
#include "tensor/kernels.h"
#include "tensor/test_values.h"

namespace cairn::tensor {
namespace {

struct Case {
    std::size_t sequences, heads, kv_heads, head_dim, keys, window = 0;
};

constexpr Case kCases[] = {
    {1, 4, 4, 16, 1},    {2, 6, 2, 32, 15},       {1, 12, 12, 64, 65},    {3, 8, 1, 48, 130},
    {1, 14, 2, 64, 257}, {1, 36, 3, 16, 63},      {2, 4, 4, 272, 20},     {1, 3, 3, 24, 70},
    {1, 2, 1, 128, 513}, {1, 4, 1, 32, 300, 100}, {2, 4, 2, 48, 300, 64}, {1, 4, 1, 256, 700, 512},
    {1, 2, 2, 16, 70, 1}};

class AttentionDecode : public testing::TestWithParam<KernelSet> {};

std::vector<std::uint16_t> narrowed(const std::vector<float>& values, KvType type) {
    std::vector<std::uint16_t> bits;
    for (const float value : values)
        bits.push_back(type == KvType::kF16 ? f32_to_f16(value) : f32_to_bf16(value));
    return bits;
}

TEST_P(AttentionDecode, IsTheReference) {
    for (const Case& c : kCases) {
        const AttentionShape shape{c.sequences, 1,          c.keys - 1, c.heads,
                                   c.kv_heads,  c.head_dim, true,       c.window};
        const std::size_t rows = c.sequences * c.keys;
        const std::size_t kv_cols = c.kv_heads * c.head_dim;
        const std::size_t q_cols = c.heads * c.head_dim;
        const auto q = normal_values(c.sequences * q_cols, 1);
        auto k = normal_values(rows * kv_cols, 2);
        auto v = normal_values(rows * kv_cols, 3);
        k[k.size() / 2] = -0.0F;
        v[v.size() / 3] = 3e38F;
        for (const KvType type : {KvType::kF32, KvType::kF16, KvType::kBf16}) {
            const auto k_bits = narrowed(k, type);
            const auto v_bits = narrowed(v, type);
            const bool wide = type == KvType::kF32;
            const KvRows k_rows(type, wide ? static_cast<const void*>(k.data()) : k_bits.data(),
                                rows, kv_cols);
            const KvRows v_rows(type, wide ? static_cast<const void*>(v.data()) : v_bits.data(),
                                rows, kv_cols);
            const auto run = [&](KernelSet set, std::size_t threads) {
                ThreadPool pool(threads);
                std::vector<float> out(q.size()), max(c.sequences * c.heads), sum(max.size());
                attention_forward({*kernels_for(set), &pool}, shape,
                                  {q.data(), c.sequences, q_cols}, k_rows, v_rows,
                                  {out.data(), c.sequences, q_cols}, {max.data(), sum.data()});
                out.insert(out.end(), max.begin(), max.end());
                out.insert(out.end(), sum.begin(), sum.end());
                return out;
            };
            const auto expected = run(KernelSet::kReference, 1);
            for (const std::size_t threads : {1UL, 2UL, 3UL})
                ASSERT_EQ(bits_differ(run(GetParam(), threads), expected), "")
                    << kv_type_name(type) << ", " << c.heads << " heads of " << c.head_dim
                    << " over " << c.kv_heads << ", " << c.keys << " keys, " << threads
                    << " threads";
        }
    }
}

INSTANTIATE_TEST_SUITE_P(All, AttentionDecode, testing::ValuesIn(available_kernel_sets()),
                         [](const auto& set) { return std::string(kernel_set_name(set.param)); });

}  // namespace
}  // namespace cairn::tensor
