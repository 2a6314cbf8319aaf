// Proves that sampling in bands gives the token that the definition gives: all tokens sorted, the
// cuts taken from the front, the first cumulative sum above the threshold; and the order of tops.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/int128.h"
#include "tensor/kernels.h"
#include "tensor/logprob.h"
#include "tensor/loss.h"
#include "tensor/reduce.h"
#include "tensor/sample.h"
#include "tensor/test_values.h"
#include "tensor/top.h"

namespace cairn::tensor {
namespace {

constexpr double kOne = 0x1p40;

struct Token {
    std::uint32_t id;
    float value;
    std::uint64_t weight = 0;
};

bool before(const Token& a, const Token& b) {
    return a.value != b.value ? a.value > b.value : a.id < b.id;
}

std::uint64_t total_of(const std::vector<Token>& tokens) {
    std::uint64_t total = 0;
    for (const Token& token : tokens) total += token.weight;
    return total;
}

/// Sampling as N42 says it, temperature > 0.
std::uint32_t defined(const Compute& compute, std::vector<float> z,
                      const std::vector<std::uint32_t>& history, const SampleSettings& s,
                      std::uint64_t position, std::size_t prompt) {
    std::map<std::uint32_t, std::uint32_t> counts;
    for (std::size_t i = 0; i < history.size(); ++i) counts[history[i]] += i >= prompt ? 1 : 0;
    for (const auto& [id, count] : counts) {
        z[id] = z[id] > 0.0F ? z[id] / s.repetition_penalty : z[id] * s.repetition_penalty;
        if (count == 0) continue;
        z[id] =
            std::fma(-s.frequency_penalty, static_cast<float>(count), z[id] - s.presence_penalty);
    }
    std::vector<Token> tokens;
    for (std::uint32_t id = 0; id < z.size(); ++id) tokens.push_back({id, z[id] / s.temperature});
    std::sort(tokens.begin(), tokens.end(), before);
    if (s.top_k > 0 && s.top_k < tokens.size()) tokens.resize(s.top_k);
    const float m = tokens[0].value;
    std::sort(tokens.begin(), tokens.end(),
              [](const Token& a, const Token& b) { return a.id < b.id; });
    std::vector<float> e;
    for (const Token& token : tokens) e.push_back(token.value - m);
    compute.kernels->exp(e.size(), e.data(), e.data());
    const float sum = reduce_sum(compute, e.size(), e.data());
    for (std::size_t i = 0; i < e.size(); ++i) {
        tokens[i].value = e[i] / sum;
        tokens[i].weight = static_cast<std::uint64_t>(static_cast<double>(tokens[i].value) * kOne);
    }
    std::sort(tokens.begin(), tokens.end(), before);
    if (s.top_p < 1.0F) {
        const Uint128 wanted = static_cast<Uint128>(total_of(tokens)) *
                               static_cast<std::uint64_t>(static_cast<double>(s.top_p) * kOne);
        std::uint64_t reached = 0;
        std::size_t kept = 0;
        while (kept < tokens.size() &&
               (kept == 0 || (static_cast<Uint128>(reached) << 40) < wanted))
            reached += tokens[kept++].weight;
        tokens.resize(kept);
    }
    const Uint128 least = static_cast<Uint128>(tokens[0].weight) *
                          static_cast<std::uint64_t>(static_cast<double>(s.min_p) * kOne);
    while (tokens.size() > 1 && (static_cast<Uint128>(tokens.back().weight) << 40) < least)
        tokens.pop_back();
    const std::uint64_t threshold = mulhi64(philox_u64(s.seed, 0, position), total_of(tokens));
    std::uint64_t reached = 0;
    for (const Token& token : tokens) {
        reached += token.weight;
        if (reached > threshold) return token.id;
    }
    return tokens.back().id;
}

class SampleDefinition : public testing::Test {
  protected:
    ThreadPool pool_{1};
    Compute compute_{*kernels_for(available_kernel_sets().back()), &pool_};
};

TEST_F(SampleDefinition, EveryDrawIsTheDefinitions) {
    std::uint64_t draws = 0;
    for (std::uint64_t i = 0; i < 400; ++i) {
        const auto w = philox(3, 4, i);
        const auto pick = [](std::uint32_t word, std::vector<float> of) {
            return of[word % of.size()];
        };
        SampleSettings s;
        s.temperature = pick(w[0], {0.3F, 0.8F, 1.0F, 2.5F, 50.0F});
        s.top_k = static_cast<std::uint32_t>(pick(w[0] >> 8, {0, 0, 1, 5, 40, 999, 5000}));
        s.top_p = pick(w[0] >> 16, {1.0F, 1.0F, 0.95F, 0.5F, 1e-6F, 1e-20F});
        s.min_p = pick(w[1], {0.0F, 0.0F, 0.05F, 1e-6F, 1.0F});
        s.repetition_penalty = pick(w[1] >> 8, {1.0F, 1.0F, 1.2F, 0.7F});
        s.presence_penalty = pick(w[1] >> 16, {0.0F, 0.0F, 0.6F, -0.6F});
        s.frequency_penalty = pick(w[1] >> 24, {0.0F, 0.0F, 0.1F});
        s.seed = i;
        const std::size_t vocab = i % 5 == 0 ? 1 + w[2] % 20 : 2000;
        std::vector<float> z = normal_values(vocab, i, pick(w[2] >> 8, {0.0F, 0.1F, 3.0F, 30.0F}));
        if (i % 7 == 0)  // many equals
            for (float& value : z) value = std::round(value);
        const auto history = id_values(w[3] % 50, static_cast<std::uint32_t>(vocab), i);
        for (std::uint64_t position = 0; position < 5; ++position, ++draws)
            ASSERT_EQ(*sample(compute_, z, history, s, position, w[3] >> 16 & 31),
                      defined(compute_, z, history, s, position, w[3] >> 16 & 31))
                << i << ' ' << position;
    }
    EXPECT_EQ(draws, 2000U);
}

TEST_F(SampleDefinition, TopsAreTheFirstOfTheSortedRow) {
    for (std::uint64_t i = 0; i < 40; ++i) {
        std::vector<float> z = normal_values(1 + i * 97, i, 2.0);
        if (i % 2 == 0)
            for (float& value : z) value = std::round(value);
        std::vector<Token> sorted;
        for (std::uint32_t id = 0; id < z.size(); ++id) sorted.push_back({id, z[id]});
        std::sort(sorted.begin(), sorted.end(), before);
        for (const std::size_t wanted : {1UL, 5UL, 20UL, 300UL}) {
            std::vector<TokenLogprob> found(wanted);
            const std::size_t count = top_logprobs(compute_, z, found);
            ASSERT_EQ(count, std::min(wanted, z.size()));
            for (std::size_t k = 0; k < count; ++k) ASSERT_EQ(found[k].id, sorted[k].id);
        }
    }
}

TEST_F(SampleDefinition, LogprobsAreMinusTheLoss) {
    const std::size_t vocab = 5003;
    const std::vector<float> z = normal_values(vocab, 77, 4.0);
    const auto ids = id_values(50, vocab, 78);
    std::vector<float> found(ids.size());
    for (const KernelSet set : available_kernel_sets()) {
        const Compute compute{*kernels_for(set), &pool_};
        log_probabilities(compute, z, ids, found);
        for (std::size_t i = 0; i < ids.size(); ++i) {
            float loss = 0.0F;
            cross_entropy(compute, {z.data(), 1, vocab}, std::span(&ids[i], 1), &loss, Matrix());
            EXPECT_EQ(found[i], -loss);
        }
    }
}

}  // namespace
}  // namespace cairn::tensor
