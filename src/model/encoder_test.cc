// Proves that encoders give the hidden states of the double-precision model, the same bits for a
// text alone and among others, and refuse what they cannot take.
#include "model/encoder.h"

#include <gtest/gtest.h>

#include "model/oracle.h"
#include "model/pooling.h"
#include "model/test_families.h"

namespace cairn::model {
namespace {

Family bert() { return families().back(); }

// The other way to build one: norm before each branch and a final norm, rotary, SwiGLU.
Family modern() {
    Family family{"modern", family_base()};
    family.config.causal = false;
    family.config.norm = NormKind::kLayer;
    family.config.embedding_norm = true;
    return family;
}

TEST(Encoder, AgreesWithTheDoublePrecisionModel) {
    const Machine machine(tensor::available_kernel_sets().back(), 2);
    for (const Family& family : {bert(), modern()}) {
        const ParameterLayout layout(family.config);
        const std::vector<float> flat = large_parameters(layout, 7);
        const auto tokens = random_tokens(90, family.config.vocab, 4);
        Encoder encoder(family.config, view_weights(layout, flat), machine.compute);
        const std::vector<float> states = encoder.encode(tokens).value();
        const auto expected =
            Oracle(layout).hidden(std::vector<double>(flat.begin(), flat.end()), tokens);
        for (std::size_t i = 0; i < states.size(); ++i)
            ASSERT_NEAR(double{states[i]}, expected[i / family.config.dim][i % family.config.dim],
                        1e-4)
                << family.name << ' ' << i;
    }
}

TEST(Encoder, OthersInTheBatchChangeNothing) {
    const Machine machine(tensor::available_kernel_sets().back(), 2);
    for (const Family& family : {bert(), modern()}) {
        const Model model = family_model(family, tensor::WeightType::kQ8_0);
        Encoder encoder(family.config, model.weights, machine.compute, 100);
        std::vector<std::vector<std::uint32_t>> texts;
        for (const std::size_t length : {5U, 90U, 1U, 64U, 30U, 6U, 100U})
            texts.push_back(random_tokens(length, family.config.vocab, length));
        const auto together = encoder.encode(texts).value();
        ASSERT_EQ(together.size(), texts.size());
        for (std::size_t i = 0; i < texts.size(); ++i)
            EXPECT_EQ(together[i], encoder.encode(texts[i]).value()) << family.name << ' ' << i;
    }
}

TEST(Encoder, PoolsToOneVector) {
    const Machine machine(tensor::available_kernel_sets().back(), 1);
    std::vector<float> states{3, 4, 1, 0, -1, 2};
    EXPECT_EQ(pooled(machine.compute, Pooling::kMean, states, 2), (std::vector<float>{1, 2}));
    EXPECT_EQ(pooled(machine.compute, Pooling::kFirst, states, 2), (std::vector<float>{3, 4}));
    EXPECT_EQ(pooled(machine.compute, Pooling::kLast, states, 2), (std::vector<float>{-1, 2}));
    std::vector<float> vector{3, 4};
    normalise(machine.compute, vector);
    EXPECT_EQ(vector, (std::vector<float>{0.6F, 0.8F}));
}

TEST(Encoder, RefusesWhatItCannotTake) {
    const Machine machine(tensor::available_kernel_sets().back(), 1);
    const Model model = family_model(bert(), tensor::WeightType::kF32);
    Encoder encoder(model.config, model.weights, machine.compute, 50);
    EXPECT_FALSE(encoder.encode(std::vector<std::uint32_t>{}).ok());
    EXPECT_FALSE(encoder.encode(std::vector<std::uint32_t>(51, 1)).ok());
    EXPECT_FALSE(encoder.encode(std::vector<std::uint32_t>{67}).ok());
}

}  // namespace
}  // namespace cairn::model
