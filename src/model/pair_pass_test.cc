// Proves that the gradient of an encoder-decoder is the derivative of its loss for every tensor
// (against finite differences of the double-precision model), that kernel sets, threads, bounds and
// the other pairs of a leaf change no bit of a loss or gradient (pinned by golden hashes), that
// what is given to the decoder is not learnt, and where the parameters lie and begin.
#include "model/pair_pass.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "model/leaf.h"
#include "model/oracle.h"
#include "model/test_encoder_decoder.h"
#include "model/test_golden.h"
#include "tensor/philox.h"

namespace cairn::model {
namespace {

using Tokens = std::vector<std::uint32_t>;
using Pairs = std::vector<std::pair<Tokens, Tokens>>;

// The families small enough for finite differences, and LayerNorms before branches.
std::vector<EncoderDecoderFamily> tiny_families() {
    std::vector<EncoderDecoderFamily> all = encoder_decoder_families();
    EncoderDecoderFamily before = all[0];
    before.name = "bart-before";
    before.encoder.norm_position = before.decoder.norm_position = NormPosition::kPre;
    before.decoder.tied_head = false;
    all.push_back(before);
    for (EncoderDecoderFamily& family : all)
        for (ModelConfig* config : {&family.encoder, &family.decoder}) {
            config->dim = 8;
            config->hidden_dim = 12;
            config->heads = 2;
            config->kv_heads = config->kv_heads < 4 ? 1 : 2;
            config->vocab = 11;
            config->context = 8;
            if (config->crosses()) config->cross_context = 8;
            if (config->explicit_head_dim != 0) config->explicit_head_dim = 6;
        }
    return all;
}

/// Pairs of these lengths, sources and targets.
Pairs random_pairs(const ModelConfig& config,
                   const std::vector<std::pair<std::size_t, std::size_t>>& lengths) {
    Pairs pairs;
    for (std::size_t i = 0; i < lengths.size(); ++i)
        pairs.emplace_back(random_tokens(lengths[i].first, config.vocab, 2 * i + 40),
                           random_tokens(lengths[i].second, config.vocab, 2 * i + 41));
    return pairs;
}

std::vector<PairText> texts_of(const Pairs& pairs) {
    std::vector<PairText> texts;
    for (const auto& [source, target] : pairs) texts.push_back({source, target});
    return texts;
}

std::vector<float> parameters_of(const EncoderDecoderLayout& layout, std::uint64_t seed) {
    std::vector<float> flat = large_parameters(layout.encoder(), seed);
    const std::vector<float> more = large_parameters(layout.decoder(), seed + 1);
    flat.insert(flat.end(), more.begin() + static_cast<std::ptrdiff_t>(layout.embedding()),
                more.end());
    return flat;
}

double oracle_loss(const EncoderDecoderLayout& layout, std::span<const double> all,
                   const Pairs& pairs, std::size_t given) {
    // The decoder's parameters as its own layout has them.
    std::vector<double> own(all.begin(),
                            all.begin() + static_cast<std::ptrdiff_t>(layout.embedding()));
    const auto rest = layout.of_decoder(all);
    own.insert(own.end(), rest.begin(), rest.end());
    const std::span<const double> flat(own);
    const Oracle encoder(layout.encoder()), decoder(layout.decoder());
    const ModelConfig& c = layout.decoder().config();
    const auto head =
        layout.decoder().slice(flat, c.tied_head ? TensorKind::kTokenEmbedding : TensorKind::kHead);
    const auto bias = layout.decoder().slice_if(flat, TensorKind::kHeadBias);
    double sum = 0;
    for (const auto& [source, target] : pairs) {
        const auto read = encoder.hidden(layout.of_encoder(all), source);
        const auto states = decoder.hidden(flat, std::span(target).first(target.size() - 1), read);
        for (std::size_t t = given - 1; t < states.size(); ++t) {
            std::vector<double> z(c.vocab);
            double total = 0;
            for (std::size_t i = 0; i < c.vocab; ++i) {
                z[i] = bias.empty() ? 0 : bias[i];
                for (std::size_t k = 0; k < c.dim; ++k) z[i] += head[i * c.dim + k] * states[t][k];
                total += std::exp(z[i]);
            }
            sum += std::log(total) - z[target[t + 1]];
        }
    }
    return sum;
}

TEST(PairPass, GradientsOfEveryTensorAgreeWithFiniteDifferences) {
    for (const EncoderDecoderFamily& family : tiny_families()) {
        const EncoderDecoderLayout layout(family.encoder, family.decoder);
        const std::vector<float> flat = parameters_of(layout, 2);
        const Pairs pairs =
            random_pairs(family.decoder, {{5, 4}, {1, 9}, {8, 3}, {7, 7}, {4, 2}, {3, 9}});
        const std::size_t given = family.name == "modern" ? 1 : 2;
        Pairs learnt = pairs;
        if (given == 2) learnt.erase(learnt.begin() + 4);  // nothing to learn in two tokens
        const std::vector<PairText> texts = texts_of(learnt);
        const Machine machine(tensor::available_kernel_sets().back(), 1);
        PairPass pass(layout, {40, 40}, given, machine.compute);
        std::vector<float> gradient(layout.size());
        const std::int64_t loss = pass.backward(view_weights(layout, flat), texts, gradient);

        std::vector<double> wide(flat.begin(), flat.end());
        EXPECT_NEAR(nats(loss, 1), oracle_loss(layout, wide, learnt, given), 1e-4) << family.name;
        constexpr double kStep = 1e-5;
        double largest = 0;
        for (const float g : gradient) largest = std::max(largest, std::abs(double{g}));
        std::uint64_t parameters = 0;
        for (const TensorInfo& info : layout.tensors()) {
            parameters += info.size();
            const std::size_t stride = info.size() > 24 ? 5 : 1;
            for (std::size_t i = info.offset; i < info.offset + info.size(); i += stride) {
                const double at = wide[i];
                wide[i] = at + kStep;
                const double above = oracle_loss(layout, wide, learnt, given);
                wide[i] = at - kStep;
                const double below = oracle_loss(layout, wide, learnt, given);
                wide[i] = at;
                EXPECT_NEAR(double{gradient[i]}, (above - below) / (2 * kStep), 3e-5 * largest)
                    << family.name << ' ' << info.name << ' ' << i - info.offset;
            }
        }
        EXPECT_EQ(parameters, layout.size());
    }
}

const GoldenHashes& golden() {
    static const GoldenHashes hashes = {
        {"pair.bart", 8498739996859953159U},
        {"pair.modern", 14657190811866549159U},
    };
    return hashes;
}

// More than a chunk of rows on either side, texts of more than a block of keys.
Pairs long_pairs(const ModelConfig& config) {
    return random_pairs(config, {{75, 40}, {1, 90}, {90, 2}, {66, 70}, {30, 66}, {64, 65}});
}

TEST(PairPass, EveryMachineGivesTheGoldenBits) {
    on_golden_machines([](const Machine& machine) {
        const tensor::KernelSet set = tensor::kernel_set_of(*machine.compute.kernels);
        const bool slow = set == tensor::KernelSet::kReference || set == tensor::KernelSet::kScalar;
        for (const EncoderDecoderFamily& family : encoder_decoder_families()) {
            const EncoderDecoderLayout layout(family.encoder, family.decoder);
            const std::vector<float> flat = parameters_of(layout, 5);
            const EncoderDecoderWeights weights = view_weights(layout, flat);
            const Pairs pairs = long_pairs(family.decoder);
            const std::vector<PairText> texts = texts_of(pairs);
            std::vector<float> gradient(layout.size(), 7.0F), other(gradient);
            PairPass pass(layout, {326, 327}, 1, machine.compute);
            const std::int64_t loss = pass.backward(weights, texts, gradient);
            expect_golden(machine, golden(), "pair." + family.name, bit_hash(gradient));
            EXPECT_EQ(pass.forward_loss(weights, texts), loss);
            if (slow) continue;
            PairPass roomy(layout, {500, 400}, 1, machine.compute);
            EXPECT_EQ(roomy.backward(weights, texts, other), loss);
            EXPECT_EQ(bit_hash(other), bit_hash(gradient)) << family.name;
            EXPECT_EQ(roomy.backward(weights, std::span(texts).first(2), other) +
                          roomy.backward(weights, std::span(texts).subspan(2), other),
                      loss);
        }
    });
}

TEST(PairPass, OtherPairsOfTheLeafChangeNoLoss) {
    const Machine machine(tensor::available_kernel_sets().back(), 2);
    for (const EncoderDecoderFamily& family : encoder_decoder_families()) {
        const EncoderDecoderLayout layout(family.encoder, family.decoder);
        const std::vector<float> flat = parameters_of(layout, 5);
        const EncoderDecoderWeights weights = view_weights(layout, flat);
        const Pairs pairs = long_pairs(family.decoder);
        const std::vector<PairText> texts = texts_of(pairs);
        PairPass pass(layout, {326, 327}, 1, machine.compute, /*with_gradient=*/false);
        std::int64_t sum = 0;
        for (const PairText& text : texts) sum += pass.forward_loss(weights, std::span(&text, 1));
        EXPECT_EQ(pass.forward_loss(weights, texts), sum) << family.name;
    }
}

TEST(PairPass, WhatIsGivenIsNotLearnt) {
    const Machine machine(tensor::available_kernel_sets().back(), 2);
    const EncoderDecoderFamily family = encoder_decoder_families().front();
    const EncoderDecoderLayout layout(family.encoder, family.decoder);
    const std::vector<float> flat = parameters_of(layout, 5);
    const EncoderDecoderWeights weights = view_weights(layout, flat);
    const Pairs pairs = random_pairs(family.decoder, {{9, 7}, {4, 12}});
    const std::vector<PairText> texts = texts_of(pairs);
    EXPECT_EQ(learnt_tokens(texts, 1), 17U);
    EXPECT_EQ(learnt_tokens(texts, 3), 13U);
    std::vector<float> gradient(layout.size());
    const auto bias_sum = [&](std::size_t given) {
        PairPass pass(layout, {20, 20}, given, machine.compute);
        (void)pass.backward(weights, texts, gradient);
        // Each row's dz sums to 0; its negative part is below 1 in absolute value.
        double negative = 0;
        for (const float g : std::span(gradient).last(family.decoder.vocab))  // head_bias
            negative += g < 0 ? double{g} : 0;
        return negative;
    };
    const double all = bias_sum(1), some = bias_sum(3);
    EXPECT_LT(all, some);
    EXPECT_LT(some, 0);
}

TEST(PairPass, ThePairsThatItTakes) {
    const EncoderDecoderFamily family = tiny_families().front();
    const EncoderDecoderLayout layout(family.encoder, family.decoder);
    const Tokens eight(8, 1), nine(9, 1), ten(10, 1), none, strange{11};
    EXPECT_TRUE(check_pair_text(layout, {eight, nine}, 1).ok());
    EXPECT_FALSE(check_pair_text(layout, {nine, nine}, 1).ok());
    EXPECT_FALSE(check_pair_text(layout, {eight, ten}, 1).ok());
    EXPECT_FALSE(check_pair_text(layout, {none, nine}, 1).ok());
    EXPECT_FALSE(check_pair_text(layout, {eight, strange}, 1).ok());
    EXPECT_FALSE(check_pair_text(layout, {strange, nine}, 1).ok());
    EXPECT_FALSE(check_pair_text(layout, {eight, nine}, 9).ok());
}

TEST(EncoderDecoderLayout, HoldsEveryTensorOnceAndTheEmbeddingForBoth) {
    for (const EncoderDecoderFamily& family : encoder_decoder_families()) {
        const EncoderDecoderLayout layout(family.encoder, family.decoder);
        std::uint64_t at = 0;
        for (const TensorInfo& info : layout.tensors()) {
            EXPECT_EQ(info.offset, at) << info.name;
            at += info.size();
        }
        EXPECT_EQ(at, layout.size());
        const std::vector<float> flat = initial_parameters(layout, 3);
        const EncoderDecoderWeights weights = view_weights(layout, flat);
        EXPECT_EQ(weights.encoder.token_embedding.data, weights.decoder.token_embedding.data);
        EncoderDecoderModels models = make_encoder_decoder(layout, flat);
        EXPECT_EQ(dense_parameters(layout, models.encoder, models.decoder), flat);
        EXPECT_EQ(layout.tensors()[0].name, "token_embedding");
        EXPECT_EQ(layout.tensors().back().name.rfind("decoder.", 0), 0U);
    }
}

// Tensors are numbered through both halves; what ends a branch is smaller in the deeper half.
TEST(EncoderDecoderLayout, FirstWeightsAreThoseOfTheRule) {
    for (const EncoderDecoderFamily& family : encoder_decoder_families()) {
        ASSERT_NE(family.encoder.layers, family.decoder.layers);
        const EncoderDecoderLayout layout(family.encoder, family.decoder);
        const std::vector<float> flat = initial_parameters(layout, 9);
        for (std::size_t number = 0; number < layout.tensors().size(); ++number) {
            const TensorInfo& info = layout.tensors()[number];
            const std::string& name = info.name;
            const bool is_norm = name.ends_with("norm");
            std::vector<float> wanted(info.size(), is_norm ? 1.0F : 0.0F);
            if (info.is_matrix) {
                const bool ends_branch =
                    name.ends_with(".wo") || name.ends_with("cross_wo") || name.ends_with("w_down");
                const double layers =
                    name.starts_with("decoder.") ? family.decoder.layers : family.encoder.layers;
                tensor::philox_normal(9, number, ends_branch ? 0.02 / std::sqrt(2 * layers) : 0.02,
                                      wanted);
            }
            const auto found = std::span(flat).subspan(info.offset, info.size());
            EXPECT_TRUE(std::ranges::equal(found, wanted)) << family.name << ' ' << name;
        }
    }
}

}  // namespace
}  // namespace cairn::model
