// Proves that honest evidence always passes and gives the outputs of replay to the bit, whatever
// kernels, threads or types made it, and that a single wrong sum, a missing byte or a second
// spelling does not.
#include "audit/freivalds.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "audit/test_session.h"

namespace cairn::audit {
namespace {

struct FreivaldsTest : ::testing::Test {
    model::Model model = quantised(small_model());
    ThreadPool pool{1};
    tensor::Compute compute{tensor::kernels_from_environment().value(), &pool};
    SeededRandom random{5};
    model::LayerRange layers{1, 3};
    std::vector<float> inputs = some_inputs(100, 64, 9);

    FreivaldsSecrets secrets() {
        return FreivaldsSecrets::draw(model.config, model.weights, layers, random).value();
    }
    Bytes evidence(model::KvType kv = model::KvType::kF32) {
        return make_evidence(model.config, model.weights, layers, inputs, kv, compute).value();
    }
    FreivaldsResult check(const FreivaldsSecrets& with, ByteView bytes,
                          model::KvType kv = model::KvType::kF32) {
        return check_evidence(model.config, model.weights, with, inputs, kv, bytes, compute)
            .value();
    }
};

TEST_F(FreivaldsTest, HonestEvidenceGivesTheOutputsOfReplay) {
    const FreivaldsSecrets secret = secrets();
    for (const model::KvType kv : tensor::kKvTypes) {
        const auto replayed =
            recompute(model.config, model.weights, layers, inputs, kv, compute).value();
        Bytes first;
        for (const tensor::KernelSet set : tensor::available_kernel_sets())
            for (const std::size_t threads : {1U, 3U}) {
                ThreadPool threaded(threads);
                compute = {tensor::kernels_for(set).value(), &threaded};
                const Bytes shown = evidence(kv);
                if (first.empty()) first = shown;
                EXPECT_EQ(shown, first) << tensor::kernel_set_name(set);
                const FreivaldsResult result = check(secret, shown, kv);
                EXPECT_EQ(result.suspicion, "") << tensor::kernel_set_name(set);
                EXPECT_EQ(result.outputs, replayed) << tensor::kernel_set_name(set);
            }
        compute = {tensor::kernels_from_environment().value(), &pool};
    }
}

TEST_F(FreivaldsTest, AnyChangedByteIsSuspicious) {
    const FreivaldsSecrets secret = secrets();
    const Bytes good = evidence();
    ASSERT_EQ(check(secret, good).suspicion, "");
    for (int i = 0; i < 300; ++i) {
        Bytes bad = good;
        bad[random.below(bad.size())] ^= static_cast<std::uint8_t>(1 + random.below(255));
        EXPECT_NE(check(secret, bad).suspicion, "");
    }
    EXPECT_NE(check(secret, ByteView(good).first(good.size() - 1)).suspicion, "");
    EXPECT_NE(check(secret, {}).suspicion, "");
    Bytes longer = good;
    longer.push_back(2);
    EXPECT_EQ(check(secret, longer).suspicion, "the evidence is too long");
}

TEST_F(FreivaldsTest, TheSuspicionNamesTheMatrix) {
    const FreivaldsSecrets secret = secrets();
    Bytes bad = evidence();
    bad[1] ^= 1;  // the first sum of the first row of the first matrix
    EXPECT_EQ(check(secret, bad).suspicion,
              "layer 1, wq: row 0 of a batch is not the product of the weights");
}

TEST_F(FreivaldsTest, SumsHaveOneSpelling) {
    Bytes narrow;
    const std::vector<std::int32_t> sums = {0, -1, 32767, -32767};
    append_sums(sums, narrow);
    EXPECT_EQ(narrow.size(), 1 + 4 * 2U);
    for (const auto& [largest, width] : {std::pair(-32768, 3U), {8388607, 3U}, {-8388608, 4U}}) {
        Bytes bytes;
        const std::vector<std::int32_t> wide = {5, largest, -70000 % largest};
        append_sums(wide, bytes);
        ASSERT_EQ(bytes.size(), 1 + 3 * width);
        for (const tensor::KernelSet set : tensor::available_kernel_sets()) {
            std::vector<std::int32_t> back(3);
            const auto most = field_kernels_of(*tensor::kernels_for(set).value())
                                  .read_sums(width, bytes.data() + 1, 3, back.data());
            EXPECT_EQ(back, wide);
            EXPECT_EQ(most, std::abs(std::int64_t{largest}));
        }
    }
    // The first row in four bytes instead of two or three.
    const Bytes good = evidence();
    std::vector<std::int32_t> row(64);
    const std::size_t width = good[0];
    field_kernels_of(*compute.kernels).read_sums(width, good.data() + 1, row.size(), row.data());
    Bytes bad = {4};
    for (const std::int32_t sum : row)
        for (int i = 0; i < 4; ++i)
            bad.push_back(static_cast<std::uint8_t>(static_cast<std::uint32_t>(sum) >> (8 * i)));
    bad.insert(bad.end(), good.begin() + static_cast<std::ptrdiff_t>(1 + width * row.size()),
               good.end());
    ASSERT_NE(width, 4U);
    EXPECT_NE(check(secrets(), bad).suspicion, "");
}

TEST_F(FreivaldsTest, LargeSumsAndTinyScalesAreExactToo) {
    // Weights and inputs of one sign make sums beyond what can be read off a float; tiny inputs
    // make scales whose products underflow.
    const model::ModelConfig wide{.dim = 512,
                                  .hidden_dim = 32,
                                  .layers = 1,
                                  .heads = 4,
                                  .kv_heads = 4,
                                  .vocab = 4,
                                  .context = 8};
    model = quantised(
        model::make_model(wide, model::initial_parameters(model::ParameterLayout(wide), 1)), 0.1F);
    layers = {0, 1};
    inputs.assign(512 * 4, 1.0F);
    std::fill_n(inputs.begin() + 512, 512, 0x1p-90F);
    std::fill_n(inputs.begin() + 1024, 512, 0.0F);
    const Bytes shown = evidence();
    EXPECT_EQ(shown[0], 3);
    std::vector<std::int32_t> sums(512);
    EXPECT_GT(field_kernels_of(*compute.kernels).read_sums(3, shown.data() + 1, 512, sums.data()),
              1 << 22);
    const FreivaldsResult result = check(secrets(), shown);
    EXPECT_EQ(result.suspicion, "");
    EXPECT_EQ(result.outputs,
              recompute(model.config, model.weights, layers, inputs, model::KvType::kF32, compute)
                  .value());
}

TEST_F(FreivaldsTest, OtherModelsAreReplayed) {
    const model::Model dense = small_model();
    EXPECT_EQ(FreivaldsSecrets::draw(dense.config, dense.weights, layers, random).error().code,
              ErrorCode::kUnsupported);
    EXPECT_EQ(FreivaldsSecrets::draw(model.config, model.weights, {3, 9}, random).error().code,
              ErrorCode::kNotFound);
}

}  // namespace
}  // namespace cairn::audit
