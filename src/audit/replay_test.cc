// Proves that replay accepts what the layers give, however it was cut into pieces, and refuses a
// single changed bit, a shifted sequence and other layers' work.
#include "audit/replay.h"

#include <gtest/gtest.h>

#include <bit>
#include <limits>

#include "base/random.h"

namespace cairn::audit {
namespace {

struct ReplayTest : ::testing::Test {
    model::Model model = [] {
        const model::ModelConfig config{.dim = 32,
                                        .hidden_dim = 48,
                                        .layers = 3,
                                        .heads = 4,
                                        .kv_heads = 2,
                                        .vocab = 16,
                                        .context = 128};
        return model::make_model(config,
                                 model::initial_parameters(model::ParameterLayout(config), 4));
    }();
    model::Weights weights = model.weights;
    ThreadPool pool{1};
    tensor::Compute compute{tensor::kernels_from_environment().value(), &pool};
    model::LayerRange layers{1, 3};
    std::vector<float> inputs;
    std::vector<float> outputs;

    void SetUp() override {
        SeededRandom random(9);
        inputs.resize(100 * model.config.dim);
        for (float& x : inputs) x = static_cast<float>(random.below(2001)) / 1000.0F - 1.0F;
        outputs = inputs;
        // As a Server would: a prefill of 61, then token by token.
        model::Transformer transformer(model.config, weights, layers, compute);
        model::KvCache cache(model.config, layers, 128);
        const std::size_t dim = model.config.dim;
        transformer.forward(std::span(outputs).first(61 * dim), cache);
        for (std::size_t row = 61; row < 100; ++row)
            transformer.forward(std::span(outputs).subspan(row * dim, dim), cache);
    }
    Verdict check() { return replay(model.config, weights, {layers, inputs, outputs}, compute); }
};

TEST_F(ReplayTest, AcceptsHonestWork) { EXPECT_TRUE(check().is_valid()) << check().reason(); }

TEST_F(ReplayTest, OneBitIsEnough) {
    float& value = outputs[77 * 32 + 5];
    value = std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) ^ 1U);
    const Verdict verdict = check();
    ASSERT_TRUE(verdict.is_invalid());
    EXPECT_NE(verdict.reason().find("row 77, column 5"), std::string::npos) << verdict.reason();
}

TEST_F(ReplayTest, OtherLayersOrInputsAreNotThis) {
    layers = {0, 2};
    EXPECT_TRUE(check().is_invalid());
    layers = {1, 3};
    inputs[3] += 0.25F;
    EXPECT_TRUE(check().is_invalid());
    inputs[3] = std::numeric_limits<float>::infinity();
    EXPECT_NE(check().reason().find("row 0, column 3 is not finite"), std::string::npos);
    outputs.pop_back();
    EXPECT_TRUE(check().is_invalid());
}

TEST_F(ReplayTest, WithoutTheLayersNothingIsSaid) {
    weights.layers[2].wq = {};
    EXPECT_TRUE(check().is_undecided());
}

}  // namespace
}  // namespace cairn::audit
