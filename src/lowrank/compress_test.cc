// Proves that a compressed model is the model with its matrices replaced by factors: at full energy
// it says what the model said, ranks obey their rule, reports tell what was kept, a budget is kept
// to, activation-aware factors fit what the text shows better than plain ones, and files hold
// factors and give back the same bits.
#include "lowrank/compress.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <cmath>
#include <filesystem>

#include "formats/load.h"
#include "formats/save.h"
#include "lowrank/test_matrices.h"
#include "model/leaf.h"
#include "papers/low_rank.h"
#include "tensor/matmul.h"

namespace cairn::lowrank {
namespace {

using model::Projection;
using tensor::ConstMatrix;

model::ModelConfig small_model() {
    return {.dim = 48,
            .hidden_dim = 96,
            .layers = 2,
            .heads = 4,
            .kv_heads = 2,
            .vocab = 61,
            .context = 64};
}

// Weights of falling spectra, as trained ones are.
model::Model made_model(const model::ModelConfig& config = small_model()) {
    const model::ParameterLayout layout(config);
    std::vector<float> flat(layout.size(), 1.0F);
    for (const model::TensorInfo& info : layout.tensors()) {
        if (!info.is_matrix) continue;
        std::vector<float> values =
            test_matrix(info.rows, info.cols, Spectrum::kSlow, info.offset + 1);
        for (std::size_t i = 0; i < values.size(); ++i) flat[info.offset + i] = 0.3F * values[i];
    }
    return model::make_model(config, flat);
}

std::vector<std::uint32_t> text_of(std::size_t count, std::uint32_t vocab) {
    std::vector<std::uint32_t> tokens(count);
    for (std::size_t i = 0; i < count; ++i)
        tokens[i] = static_cast<std::uint32_t>(
            tensor::mulhi64(tensor::philox_u64(3, 1, i) / 3, vocab));  // a third of the tokens
    return tokens;
}

std::vector<float> losses_of(const model::Model& model, const tensor::Compute& compute) {
    const auto tokens = text_of(1024, model.config.vocab);
    model::LeafPass pass(model.layout(), {.leaf_tokens = 1024, .context = 64}, compute, false);
    std::vector<float> losses(tokens.size());
    pass.token_losses(model.weights, tokens, tokens, losses);
    return losses;
}

double mean(const std::vector<float>& values) {
    double sum = 0;
    for (const float value : values) sum += double{value};
    return sum / static_cast<double>(values.size());
}

TEST(Compress, EnergyIsKeptByEveryMatrixAndReported) {
    const TestMachine machine(2);
    const model::Model model = made_model();
    for (const bool per_head : {false, true})
        for (const double energy : {0.5, 0.7}) {
            CompressOptions options{.rule = ByEnergy{energy}};
            options.per_head = per_head;
            const Compressed made = compress(machine.compute, model, options).value();
            ASSERT_EQ(made.matrices.size(), 14U);
            EXPECT_EQ(made.model.config.per_head, per_head);
            std::uint64_t numbers = 0;
            std::vector<std::vector<double>> energies(2);
            for (const MatrixReport& report : made.matrices) {
                for (const double kept : report.energies) {
                    EXPECT_GE(kept, energy - 1e-6) << report.name;
                    energies[report.layer].push_back(kept);
                }
                EXPECT_EQ(report.energies.size(), report.parts);
                EXPECT_EQ(made.model.config.rank(report.projection, report.layer), report.rank);
                const auto& left = tensor_at(made.model.weights,
                                             model::matrix_of(report.projection), report.layer);
                const auto& right = tensor_at(
                    made.model.weights, model::right_factor_of(report.projection), report.layer);
                const std::size_t here = left.rows * left.cols + right.rows * right.cols;
                EXPECT_NEAR(report.ratio,
                            static_cast<double>(here) / static_cast<double>(report.m * report.n),
                            1e-12);
                EXPECT_EQ(report.ratio<1.0, report.rank> 0);
                numbers += here;
            }
            EXPECT_EQ(numbers, made.numbers_after);
            EXPECT_NEAR(made.total_energy, papers::total_energy(energies), 1e-12);
            EXPECT_TRUE(model::validate(made.model.config).ok());
        }
}

TEST(Compress, ARankThatSavesNothingLeavesTheMatrixWhole) {
    const TestMachine machine(1);
    const model::Model model = made_model();
    // 48 x 48 pays below rank 24, 24 x 48 below 16, 96 x 48 below 32.
    const Compressed made = compress(machine.compute, model, {.rule = ByRank{20}}).value();
    for (const MatrixReport& report : made.matrices) {
        const bool narrow =
            report.projection == Projection::kKey || report.projection == Projection::kValue;
        EXPECT_EQ(report.rank, narrow ? 0U : 20U) << report.name;
        EXPECT_EQ(report.ratio == 1.0, narrow);
    }
    EXPECT_FALSE(compress(machine.compute, model, {.rule = ByRank{32}}).ok());
    EXPECT_FALSE(compress(machine.compute, made.model, {.rule = ByRank{4}}).ok());
}

TEST(Compress, RatioIsThatOfTheEquation) {
    const TestMachine machine(1);
    const Compressed made = compress(machine.compute, made_model(), {.rule = ByRatio{0.5}}).value();
    ASSERT_FALSE(made.matrices.empty());
    for (const MatrixReport& report : made.matrices) {
        EXPECT_GT(report.rank, 0U);
        EXPECT_EQ(report.rank, rank_of_ratio(report.m, report.n, 0.5));
        EXPECT_LE(report.ratio, 0.5);
    }
}

TEST(Compress, ABudgetOfBytesIsKeptToAndSharedByGain) {
    const TestMachine machine(2);
    const model::Model model = made_model();
    const std::uint64_t all = model.layout().parameters() * 4;
    double before = 0;
    for (const double share : {0.45, 0.6, 0.75}) {
        const auto budget = static_cast<std::uint64_t>(share * static_cast<double>(all));
        const Compressed made = compress(machine.compute, model, {.rule = ByBytes{budget}}).value();
        const std::uint64_t bytes = made.model.layout().parameters() * 4;
        EXPECT_LE(bytes, budget);
        EXPECT_GT(bytes, budget - 4 * 2000);
        EXPECT_GT(made.total_energy, before);
        before = made.total_energy;
    }
    EXPECT_FALSE(compress(machine.compute, model, {.rule = ByBytes{1000}}).ok());
}

TEST(Compress, MultipliedOutItIsTheSameFunction) {
    const TestMachine machine(2);
    const model::Model model = made_model();
    for (const bool per_head : {false, true}) {
        CompressOptions options{.rule = ByRatio{0.6}};
        options.per_head = per_head;
        const Compressed made = compress(machine.compute, model, options).value();
        const model::Model whole = multiply_out(machine.compute, made.model);
        EXPECT_EQ(whole.config, model.config);
        const auto a = losses_of(made.model, machine.compute);
        const auto b = losses_of(whole, machine.compute);
        for (std::size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], 2e-4F * (1 + b[i]));
        // What was kept is what the whole matrix says.
        for (const MatrixReport& report : made.matrices) {
            const ConstMatrix w =
                tensor_at(model.weights, model::matrix_of(report.projection), report.layer).f32();
            const ConstMatrix v =
                tensor_at(whole.weights, model::matrix_of(report.projection), report.layer).f32();
            double error = 0, energy = 0;
            for (std::size_t i = 0; i < w.rows * w.cols; ++i) {
                error += std::pow(double{w.data[i]} - double{v.data[i]}, 2);
                energy += std::pow(double{w.data[i]}, 2);
            }
            EXPECT_NEAR(1 - error / energy, mean_energy(report), report.parts > 1 ? 0.05 : 1e-5)
                << report.name;
        }
    }
}

TEST(Moments, AreTheSumsOfWhatTheMatricesRead) {
    const TestMachine machine(2);
    const model::Model model = made_model();
    const auto tokens = text_of(100, 61);
    const Moments moments = Moments::of(machine.compute, model, tokens, 40).value();
    // Layer 0's queries read the normed embeddings, whatever stands before them.
    std::vector<double> sum(48 * 48, 0.0);
    for (const std::uint32_t token : tokens) {
        std::vector<float> row(48);
        tensor::weight_row(model.weights.token_embedding, token, row.data());
        double squares = 0;
        for (const float x : row) squares += double{x} * double{x} / 48;
        for (std::size_t i = 0; i < 48; ++i)
            for (std::size_t j = 0; j < 48; ++j)
                sum[i * 48 + j] += double{row[i]} * double{row[j]} / (squares + 1e-5);
    }
    const ConstMatrix s = moments.at(0, Projection::kKey);
    for (std::size_t i = 0; i < 48; ++i)
        for (std::size_t j = 0; j < 48; ++j)
            EXPECT_NEAR(double{s.row(i)[j]}, sum[i * 48 + j], 1e-3);
    EXPECT_EQ(moments.at(1, Projection::kDown).rows, 96U);
    EXPECT_FALSE(Moments::of(machine.compute, model, {}, 40).ok());
}

TEST(Moments, WhiteningIsUndone) {
    const TestMachine machine(2);
    const auto tokens = text_of(200, 61);
    const Moments moments = Moments::of(machine.compute, made_model(), tokens, 64).value();
    const Whitening white(moments.at(0, Projection::kDown), 0, 96);
    std::vector<float> values = normal_numbers(5 * 96, 8);
    std::vector<float> seen = white.apply(machine.compute, {values.data(), 5, 96});
    white.undo(machine.compute, {seen.data(), 5, 96});
    for (std::size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(seen[i], values[i], 2e-3F);
}

TEST(Compress, WithMomentsTheTextsOutputsAreFittedBetter) {
    const TestMachine machine(2);
    const model::Model model = made_model();
    const Moments moments = Moments::of(machine.compute, model, text_of(1024, 61), 64).value();
    CompressOptions options{.rule = ByRatio{0.4}};
    const Compressed plain = compress(machine.compute, model, options).value();
    options.moments = &moments;
    for (const bool per_head : {false, true}) {
        options.per_head = per_head;
        const Compressed aware = compress(machine.compute, model, options).value();
        double better = 0;
        for (std::size_t i = 0; i < aware.matrices.size(); ++i) {
            const MatrixReport& report = aware.matrices[i];
            if (report.rank == 0) continue;
            // Of W the plain factors keep the most there is, so these cannot keep more.
            if (!per_head) {
                EXPECT_LE(mean_energy(report), mean_energy(plain.matrices[i]) + 2e-3);
            }
            better += report.seen_energy - mean_energy(report);
        }
        EXPECT_GT(better, 0);
    }
    options.per_head = false;
    const double whole = mean(losses_of(model, machine.compute));
    const double aware =
        mean(losses_of(compress(machine.compute, model, options)->model, machine.compute));
    const double unaware = mean(losses_of(plain.model, machine.compute));
    EXPECT_LT(std::abs(aware - whole), std::abs(unaware - whole));
}

TEST(Compress, FilesHoldFactorsAndGiveTheSameBits) {
    const TestMachine machine(1);
    const auto folder =
        std::filesystem::temp_directory_path() / ("cairn_lowrank_" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    model::ModelConfig gpt2 = small_model();
    gpt2.kv_heads = 4;
    gpt2.norm = model::NormKind::kLayer;
    gpt2.positions = model::PositionKind::kLearned;
    gpt2.feed_forward = model::FeedForward::kGeluTanh;
    gpt2.qkv_bias = gpt2.out_bias = gpt2.ffn_bias = true;
    model::ModelConfig llama = small_model();
    llama.rope_interleaved = false;  // as Hugging Face has it, so that no row moves
    for (const model::ModelConfig& config : {llama, gpt2})
        for (const bool per_head : {false, true}) {
            CompressOptions options{.rule = ByRatio{0.5}};
            options.per_head = per_head;
            const Compressed made = compress(machine.compute, made_model(config), options).value();
            const auto expected = losses_of(made.model, machine.compute);
            for (const char* name : {"x.cairn", "folder"}) {
                const std::string path = (folder / name).string();
                formats::WriteOptions write;
                write.replace = formats::Replace::kYes;
                const auto format = formats::model_format_for(path, "").value();
                const Status saved = formats::save_model(made.model, format, path, write);
                ASSERT_TRUE(saved.ok()) << saved.error().message;
                const auto back = formats::load_any(path);
                ASSERT_TRUE(back.ok()) << back.error().message;
                EXPECT_EQ(back->model.config, made.model.config);
                EXPECT_EQ(losses_of(back->model, machine.compute), expected) << name;
            }
            const Status gguf = formats::save_model(made.model, formats::ModelFormat::kGguf,
                                                    (folder / "x.gguf").string(), {});
            ASSERT_FALSE(gguf.ok());
            EXPECT_EQ(gguf.error().code, ErrorCode::kUnsupported);
            EXPECT_NE(gguf.error().message.find("--multiply-out"), std::string::npos);
        }
    std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace cairn::lowrank
