// Proves that decoding, few queries for each sequence, gives the reference's bits for every kernel
// set: grouped heads, odd lengths of the cache, narrow caches, windows that begin in different
// blocks, cross attention, heads that several threads cannot share evenly.
#include <gtest/gtest.h>

#include <string>

#include "tensor/attention.h"
#include "tensor/kernels.h"
#include "tensor/test_values.h"

namespace cairn::tensor {
namespace {

struct Case {
    std::size_t sequences, heads, kv_heads, head_dim, keys, window = 0, queries = 1;
    bool cross = false;
};

constexpr Case kCases[] = {
    {1, 4, 4, 16, 1},
    {2, 6, 2, 32, 15},
    {1, 12, 12, 64, 65},
    {3, 8, 1, 48, 130},
    {1, 14, 2, 64, 257},
    {1, 36, 3, 16, 63},
    {2, 4, 4, 272, 20},
    {1, 3, 3, 24, 70},
    {1, 2, 1, 128, 513},
    {1, 4, 1, 32, 300, 100},
    {2, 4, 2, 48, 300, 64},
    {1, 4, 1, 256, 700, 512},
    {1, 2, 2, 16, 70, 1},

    // several queries: within a block, over its end, from the first position on
    {1, 6, 2, 32, 40, 0, 3},
    {1, 9, 3, 64, 130, 0, 4},
    {2, 7, 1, 48, 66, 0, 8},
    {1, 5, 5, 16, 8, 0, 8},
    {1, 4, 4, 24, 90, 0, 5},
    {1, 12, 4, 64, 65, 0, 2},
    // and windows: all in one block, beginning in two blocks, of one key
    {1, 4, 1, 32, 300, 100, 5},
    {1, 4, 2, 48, 200, 64, 8},
    {2, 6, 3, 16, 135, 67, 7},
    {1, 2, 2, 16, 70, 1, 4},
    // so long that one sequence is divided by stages
    {1, 9, 3, 64, 700},
    {1, 9, 3, 64, 700, 0, 6},
    {1, 4, 1, 256, 700, 512, 3},
    {1, 7, 1, 48, 1000, 0, 1},
    {1, 14, 2, 80, 900, 130, 8},
    // another text's keys
    {1, 9, 3, 64, 150, 0, 1, true},
    {2, 4, 2, 32, 70, 0, 5, true},
    {1, 5, 1, 64, 1030, 0, 4, true}};

class AttentionDecode : public testing::TestWithParam<KernelSet> {};

std::vector<std::uint16_t> narrowed(const std::vector<float>& values, KvType type) {
    std::vector<std::uint16_t> bits;
    for (const float value : values)
        bits.push_back(type == KvType::kF16 ? f32_to_f16(value) : f32_to_bf16(value));
    return bits;
}

TEST_P(AttentionDecode, IsTheReference) {
    for (const Case& c : kCases) {
        const AttentionShape shape{.sequences = c.sequences,
                                   .queries = c.queries,
                                   .first_position = c.cross ? 0 : c.keys - c.queries,
                                   .heads = c.heads,
                                   .kv_heads = c.kv_heads,
                                   .head_dim = c.head_dim,
                                   .causal = !c.cross,
                                   .window = c.window,
                                   .source_keys = c.cross ? c.keys : 0};
        const std::size_t rows = c.sequences * c.keys;
        const std::size_t kv_cols = c.kv_heads * c.head_dim;
        const std::size_t q_cols = c.heads * c.head_dim;
        const std::size_t q_rows = c.sequences * c.queries;
        const auto q = normal_values(q_rows * q_cols, 1);
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
                std::vector<float> out(q.size()), max(q_rows * c.heads), sum(max.size());
                attention_forward({*kernels_for(set), &pool}, shape, {q.data(), q_rows, q_cols},
                                  k_rows, v_rows, {out.data(), q_rows, q_cols},
                                  {max.data(), sum.data()});
                out.insert(out.end(), max.begin(), max.end());
                out.insert(out.end(), sum.begin(), sum.end());
                return out;
            };
            const auto expected = run(KernelSet::kReference, 1);
            for (const std::size_t threads : {1UL, 2UL, 3UL})
                ASSERT_EQ(bits_differ(run(GetParam(), threads), expected), "")
                    << kv_type_name(type) << ", " << c.heads << " heads of " << c.head_dim
                    << " over " << c.kv_heads << ", " << c.keys << " keys, " << c.queries
                    << " queries, window " << c.window << ", " << threads << " threads";
        }
    }
}

// Sequences that decode side by side, some with guesses: dealt out by heads, or each on all
// threads.
TEST_P(AttentionDecode, SequencesSideBySideAreThoseAlone) {
    constexpr std::size_t kHeads = 9, kKvHeads = 3, kDim = 64;
    struct Sequence {
        AttentionShape shape;
        std::vector<float> q, k, v, out;
    };
    std::vector<Sequence> sequences;
    for (const auto& [keys, queries] : {std::pair{700UL, 1UL}, {910UL, 4UL}, {1300UL, 1UL}}) {
        Sequence one{{.queries = queries,
                      .first_position = keys - queries,
                      .heads = kHeads,
                      .kv_heads = kKvHeads,
                      .head_dim = kDim},
                     normal_values(queries * kHeads * kDim, keys),
                     normal_values(keys * kKvHeads * kDim, keys + 1),
                     normal_values(keys * kKvHeads * kDim, keys + 2),
                     std::vector<float>(queries * kHeads * kDim)};
        sequences.push_back(std::move(one));
    }
    const auto call_of = [](Sequence& one) {
        const std::size_t queries = one.shape.queries, keys = one.shape.keys();
        return AttentionForward{one.shape,
                                {one.q.data(), queries, kHeads * kDim},
                                ConstMatrix(one.k.data(), keys, kKvHeads * kDim),
                                ConstMatrix(one.v.data(), keys, kKvHeads * kDim),
                                {one.out.data(), queries, kHeads * kDim},
                                {}};
    };
    std::vector<std::vector<float>> expected;
    for (Sequence& one : sequences) {
        const AttentionForward call = call_of(one);
        attention_forward({*kernels_for(KernelSet::kReference), nullptr}, std::span(&call, 1));
        expected.push_back(one.out);
    }
    for (const std::size_t threads : {1UL, 2UL, 3UL, 5UL}) {
        ThreadPool pool(threads);
        std::vector<AttentionForward> calls;
        for (Sequence& one : sequences) {
            std::fill(one.out.begin(), one.out.end(), -1.0F);
            calls.push_back(call_of(one));
        }
        attention_forward({*kernels_for(GetParam()), &pool}, calls);
        for (std::size_t i = 0; i < sequences.size(); ++i)
            ASSERT_EQ(bits_differ(sequences[i].out, expected[i]), "")
                << "sequence " << i << ", " << threads << " threads";
    }
}

INSTANTIATE_TEST_SUITE_P(All, AttentionDecode, testing::ValuesIn(available_kernel_sets()),
                         [](const auto& set) { return std::string(kernel_set_name(set.param)); });

}  // namespace
}  // namespace cairn::tensor
