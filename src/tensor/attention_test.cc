// Proves that attention is softmax attention, and that its bits do not depend on how a sequence is
// cut into prefill and decode, on the batch, or on sharing key-value heads; nor do those of
// attention to another text, which are the same in every kernel set.
#include "tensor/attention.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tensor/test_values.h"

namespace cairn::tensor {
namespace {

using Values = std::vector<float>;

constexpr std::size_t kTokens = 150;
constexpr std::size_t kHeads = 4;
constexpr std::size_t kKvHeads = 2;
constexpr std::size_t kDim = 24;
constexpr std::size_t kQ = kHeads * kDim;
constexpr std::size_t kKv = kKvHeads * kDim;

class Attention : public testing::TestWithParam<KernelSet> {
  protected:
    Compute compute() { return {*kernels_for(GetParam()), &pool_}; }

    /// Outputs of tokens [begin, end) given the cache of all before.
    Values piece(std::size_t begin, std::size_t end, std::size_t window = 0) {
        const AttentionShape shape{1, end - begin, begin, kHeads, kKvHeads, kDim, true, window};
        Values out((end - begin) * kQ);
        attention_forward(compute(), shape, {q_.data() + begin * kQ, end - begin, kQ},
                          {k_.data(), end, kKv}, {v_.data(), end, kKv},
                          {out.data(), end - begin, kQ}, {});
        return out;
    }

    void expect_softmax(std::size_t window) {
        const Values out = piece(0, kTokens, window);
        for (std::size_t i = 0; i < kTokens; i += 13) {
            for (std::size_t head = 0; head < kHeads; ++head) {
                const std::size_t kv = head / 2;
                const std::size_t first = i + 1 > window ? i + 1 - window : 0;
                std::vector<double> weight(i + 1);
                double sum = 0.0;
                for (std::size_t j = first; j <= i; ++j) {
                    double score = 0.0;
                    for (std::size_t c = 0; c < kDim; ++c)
                        score += static_cast<double>(q_[i * kQ + head * kDim + c]) *
                                 static_cast<double>(k_[j * kKv + kv * kDim + c]);
                    weight[j] = std::exp(score / std::sqrt(static_cast<double>(kDim)));
                    sum += weight[j];
                }
                for (std::size_t c = 0; c < kDim; ++c) {
                    double expected = 0.0;
                    for (std::size_t j = first; j <= i; ++j)
                        expected +=
                            weight[j] / sum * static_cast<double>(v_[j * kKv + kv * kDim + c]);
                    EXPECT_NEAR(static_cast<double>(out[i * kQ + head * kDim + c]), expected, 2e-6);
                }
            }
        }
    }

    ThreadPool pool_{2};
    Values q_ = normal_values(kTokens * kQ, 1);
    Values k_ = normal_values(kTokens * kKv, 2);
    Values v_ = normal_values(kTokens * kKv, 3);
};

TEST_P(Attention, EverySplitHasTheBitsOfTheWhole) {
    for (const std::size_t window : {0UL, 1UL, 30UL, 64UL, 90UL}) {
        const Values whole = piece(0, kTokens, window);
        for (const std::size_t step : {1UL, 7UL, 64UL, 65UL, 100UL}) {
            Values joined;
            for (std::size_t begin = 0; begin < kTokens; begin += step) {
                const Values part = piece(begin, std::min(begin + step, kTokens), window);
                joined.insert(joined.end(), part.begin(), part.end());
            }
            EXPECT_EQ(bits_differ(joined, whole), "") << "pieces of " << step;
        }
    }
}

TEST_P(Attention, AWindowOfAllKeysIsNoWindow) {
    EXPECT_EQ(bits_differ(piece(0, kTokens, kTokens), piece(0, kTokens)), "");
    EXPECT_NE(bits_differ(piece(0, kTokens, kTokens - 1), piece(0, kTokens)), "");
}

TEST_P(Attention, IsSoftmaxAttention) {
    for (const std::size_t window : {kTokens, std::size_t{50}}) expect_softmax(window);
}

TEST_P(Attention, TheBatchDoesNotMatter) {
    const std::size_t tokens = kTokens / 3;
    const AttentionShape shape{3, tokens, 0, kHeads, kKvHeads, kDim};
    Values out(kTokens * kQ);
    attention_forward(compute(), shape, {q_.data(), kTokens, kQ}, {k_.data(), kTokens, kKv},
                      {v_.data(), kTokens, kKv}, {out.data(), kTokens, kQ}, {});
    for (std::size_t sequence = 0; sequence < 3; ++sequence) {
        const std::size_t row = sequence * tokens;
        Values alone(tokens * kQ);
        attention_forward(compute(), {1, tokens, 0, kHeads, kKvHeads, kDim},
                          {q_.data() + row * kQ, tokens, kQ}, {k_.data() + row * kKv, tokens, kKv},
                          {v_.data() + row * kKv, tokens, kKv}, {alone.data(), tokens, kQ}, {});
        EXPECT_EQ(bits_differ(alone, Values(out.begin() + static_cast<std::ptrdiff_t>(row * kQ),
                                            out.begin() +
                                                static_cast<std::ptrdiff_t>((row + tokens) * kQ))),
                  "");
    }
}

TEST_P(Attention, SharedHeadsEqualRepeatedOnes) {
    Values k(kTokens * kQ), v(kTokens * kQ), out(kTokens * kQ);
    for (std::size_t t = 0; t < kTokens; ++t)
        for (std::size_t c = 0; c < kQ; ++c) {
            const std::size_t from = t * kKv + c / kDim / 2 * kDim + c % kDim;
            k[t * kQ + c] = k_[from];
            v[t * kQ + c] = v_[from];
        }
    attention_forward(compute(), {1, kTokens, 0, kHeads, kHeads, kDim}, {q_.data(), kTokens, kQ},
                      {k.data(), kTokens, kQ}, {v.data(), kTokens, kQ}, {out.data(), kTokens, kQ},
                      {});
    EXPECT_EQ(bits_differ(out, piece(0, kTokens)), "");
}

// Fewer queries than keys, and more.
TEST_P(Attention, AnotherTextsKeysAreSeenByAllQueries) {
    const Compute reference{*kernels_for(KernelSet::kReference), nullptr};
    const auto attend = [&](const Compute& with, std::size_t begin, std::size_t end,
                            std::size_t keys, std::size_t dim) {
        const AttentionShape shape{.queries = end - begin,
                                   .heads = 2,
                                   .kv_heads = 1,
                                   .head_dim = dim,
                                   .causal = false,
                                   .source_keys = keys};
        Values out((end - begin) * 2 * dim);
        attention_forward(with, shape, {q_.data() + begin * 2 * dim, end - begin, 2 * dim},
                          {k_.data(), keys, dim}, {v_.data(), keys, dim},
                          {out.data(), end - begin, 2 * dim}, {});
        return out;
    };
    for (const std::size_t dim : {16U, 24U})  // one has a kernel of its own for a single query
        for (const std::size_t keys : {1U, 63U, 64U, 140U}) {
            const Values whole = attend(reference, 0, 70, keys, dim);
            for (const std::size_t step : {70U, 64U, 7U, 1U}) {
                Values joined;
                for (std::size_t begin = 0; begin < 70; begin += step) {
                    const Values part = attend(compute(), begin,
                                               std::min<std::size_t>(begin + step, 70), keys, dim);
                    joined.insert(joined.end(), part.begin(), part.end());
                }
                EXPECT_EQ(bits_differ(joined, whole), "") << keys << " keys, pieces of " << step;
            }
        }
    // Of a single key everything comes from its value.
    const Values one = attend(compute(), 0, 3, 1, 16);
    for (std::size_t c = 0; c < 16; ++c) EXPECT_EQ(one[32 + c], v_[c]);
}

INSTANTIATE_TEST_SUITE_P(All, Attention, testing::ValuesIn(available_kernel_sets()),
                         [](const auto& set) { return std::string(kernel_set_name(set.param)); });

}  // namespace
}  // namespace cairn::tensor
