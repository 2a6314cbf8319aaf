// Proves that each way of answering wrongly is found: by replay, and by Freivalds' check whether
// the cheat then shows the sums of what it did or computes honestly once it is asked. And that ten
// thousand honest sessions, whatever computed them, are all found honest by both.
#include <gtest/gtest.h>

#include <bit>
#include <functional>

#include "audit/test_session.h"

namespace cairn::audit {
namespace {

struct CheatTest : ::testing::Test {
    model::Model dense = small_model();
    model::Model honest = quantised(dense);
    ThreadPool pool{1};
    tensor::Compute compute{tensor::kernels_from_environment().value(), &pool};
    SeededRandom random{3};
    model::LayerRange layers{1, 4};
    std::vector<float> inputs = some_inputs(90, 64, 11);
    std::vector<float> outputs;  // what the cheat signs for
    Bytes shown;                 // what it shows when it is asked
    FreivaldsSecrets secrets =
        FreivaldsSecrets::draw(honest.config, honest.weights, layers, random).value();

    void SetUp() override {
        outputs = served(honest, layers, inputs, {60, 1, 1, 28}, compute);
        shown = evidence_of(honest);
        ASSERT_TRUE(replayed().is_valid());
        ASSERT_TRUE(passes_freivalds(shown));
    }
    Bytes evidence_of(const model::Model& model) {
        return make_evidence(model.config, model.weights, layers, inputs, model::KvType::kF32,
                             compute)
            .value();
    }
    Verdict replayed() {
        return replay(honest.config, honest.weights,
                      {.layers = layers, .inputs = inputs, .outputs = outputs}, compute);
    }
    bool passes_freivalds(const Bytes& evidence) {
        const auto result = check_evidence(honest.config, honest.weights, secrets, inputs,
                                           model::KvType::kF32, evidence, compute)
                                .value();
        return result.suspicion.empty() && result.outputs == outputs;
    }
    void expect_found() {
        EXPECT_TRUE(replayed().is_invalid());
        EXPECT_FALSE(passes_freivalds(shown)) << "with the sums of what it did";
        EXPECT_FALSE(passes_freivalds(evidence_of(honest))) << "with honest sums";
    }
    void serve_with(const model::Model& other) {
        outputs = served(other, layers, inputs, {60, 30}, compute);
        shown = evidence_of(other);
    }
};

TEST_F(CheatTest, WrongWeights) {
    model::Model other = quantised(small_model(5));
    // One matrix of one layer is another model's.
    model::Model mixed = honest;
    mixed.weights.layers[2].w_up = other.weights.layers[2].w_up;
    serve_with(mixed);
    expect_found();
}

TEST_F(CheatTest, LowerQuantisation) {
    // Weights of four bits, held in eight: what a Server saves who keeps half of the memory.
    std::vector<Bytes> memory;
    model::Model coarse = dense;
    std::vector<std::vector<float>> floats;
    for (model::LayerWeights& layer : coarse.weights.layers)
        for (tensor::Weight* w : {&layer.wq, &layer.wk, &layer.wv, &layer.wo, &layer.w_gate,
                                  &layer.w_up, &layer.w_down}) {
            Bytes& four = memory.emplace_back(
                w->rows * tensor::weight_row_bytes(tensor::WeightType::kQ4_0, w->cols));
            ASSERT_TRUE(
                tensor::quantise_weight(w->f32(), tensor::WeightType::kQ4_0, four.data()).ok());
            std::vector<float>& back = floats.emplace_back(w->rows * w->cols);
            for (std::size_t row = 0; row < w->rows; ++row)
                tensor::weight_row({tensor::WeightType::kQ4_0, w->rows, w->cols, four.data()}, row,
                                   back.data() + row * w->cols);
            *w = tensor::Weight(tensor::ConstMatrix(back.data(), w->rows, w->cols));
        }
    serve_with(quantised(coarse));
    expect_found();
}

TEST_F(CheatTest, SkippedLayer) {
    outputs = served(honest, {1, 3}, inputs, {60, 30}, compute);
    // Sums of 0 for the layer that was not computed, which adds nothing to the stream.
    Bytes zeros;
    const std::vector<std::int32_t> none(64);
    append_sums(none, zeros);
    std::copy(zeros.begin(), zeros.end(), shown.end() - static_cast<std::ptrdiff_t>(zeros.size()));
    expect_found();
}

TEST_F(CheatTest, CopiedOutput) {
    // Another row's, and another session's.
    std::copy_n(outputs.begin() + 20 * 64, 64, outputs.begin() + 21 * 64);
    expect_found();
    outputs = served(honest, layers, some_inputs(90, 64, 12), {90}, compute);
    expect_found();
}

TEST_F(CheatTest, Noise) {
    for (float& value : outputs) value += 1e-6F * static_cast<float>(random.below(3));
    expect_found();
}

TEST_F(CheatTest, OneFlippedBit) {
    for (int i = 0; i < 20; ++i) {
        float& value = outputs[random.below(outputs.size())];
        const float before = value;
        value = std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) ^ std::uint32_t{1}
                                                                               << random.below(32));
        expect_found();
        value = before;
    }
    // And one of a sum that it shows: looked at, but the replay clears the Server.
    shown[shown.size() / 2] ^= 4;
    EXPECT_FALSE(passes_freivalds(shown));
    EXPECT_TRUE(replayed().is_valid());
}

TEST_F(CheatTest, AnswersWithoutComputing) {
    outputs = inputs;
    shown.assign(shown.size(), 2);
    expect_found();
    outputs.assign(inputs.size(), 0.0F);
    expect_found();
}

TEST_F(CheatTest, OtherCacheType) {
    outputs = served(honest, layers, inputs, {90}, compute, model::KvType::kF16);
    expect_found();
}

struct Machine {
    std::unique_ptr<ThreadPool> pool;
    tensor::Compute compute;

    explicit Machine(Random& random) {
        const auto sets = tensor::available_kernel_sets();
        pool = std::make_unique<ThreadPool>(1 + random.below(3));
        compute = {tensor::kernels_for(sets[random.below(sets.size())]).value(), pool.get()};
    }
};

TEST(HonestAudits, TenThousandConvictNobody) {
    const model::ModelConfig config{.dim = 32,
                                    .hidden_dim = 48,
                                    .layers = 2,
                                    .heads = 2,
                                    .kv_heads = 1,
                                    .vocab = 4,
                                    .context = 80};
    const model::Model model = quantised(
        model::make_model(config, model::initial_parameters(model::ParameterLayout(config), 6)));
    SeededRandom random(8);
    std::map<std::uint32_t, FreivaldsSecrets> secrets;
    for (const std::uint32_t end : {1U, 2U})
        secrets.emplace(end,
                        FreivaldsSecrets::draw(config, model.weights, {0, end}, random).value());
    for (int audit = 0; audit < 10'000; ++audit) {
        const std::uint32_t end = 1 + static_cast<std::uint32_t>(random.below(2));
        const std::size_t rows =
            random.below(50) == 0 ? 65 + random.below(10) : 1 + random.below(12);
        const model::KvType kv = tensor::kKvTypes[random.below(4)];
        const std::vector<float> inputs = some_inputs(rows, config.dim, random.u64());
        Machine server(random);
        // Beside another client's sequence, in pieces.
        model::Transformer transformer(config, model.weights, {0, end}, server.compute);
        model::KvCache cache(config, {0, end}, rows, kv);
        model::KvCache others(config, {0, end}, 80, model::KvType::kF32);
        std::vector<float> outputs;
        for (std::size_t row = 0; row < rows;) {
            const std::size_t piece = 1 + random.below(rows - row);
            const std::size_t beside = others.length() < 70 ? random.below(3) : 0;
            std::vector<float> hidden = some_inputs(beside, config.dim, row);
            hidden.insert(hidden.end(), inputs.begin() + static_cast<std::ptrdiff_t>(row * 32),
                          inputs.begin() + static_cast<std::ptrdiff_t>((row + piece) * 32));
            const model::Segment segments[] = {{&others, beside}, {&cache, piece}};
            transformer.forward_segments(hidden, segments);
            outputs.insert(outputs.end(), hidden.end() - static_cast<std::ptrdiff_t>(piece * 32),
                           hidden.end());
            row += piece;
        }
        Machine auditor(random);
        ASSERT_TRUE(replay(config, model.weights, {{0, end}, inputs, outputs, kv}, auditor.compute)
                        .is_valid())
            << audit;
        const Bytes evidence =
            make_evidence(config, model.weights, {0, end}, inputs, kv, server.compute).value();
        const auto checked = check_evidence(config, model.weights, secrets.at(end), inputs, kv,
                                            evidence, auditor.compute)
                                 .value();
        ASSERT_EQ(checked.suspicion, "") << audit;
        ASSERT_EQ(checked.outputs, outputs) << audit;
    }
}

}  // namespace
}  // namespace cairn::audit
