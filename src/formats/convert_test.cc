// Proves that a model of any family goes through every format and comes back with the same bits,
// that types survive, and that what is written narrower is what the type can hold.
#include <gtest/gtest.h>

#include <cstring>

#include "formats/compare.h"
#include "formats/format_test_models.h"
#include "formats/load.h"
#include "formats/retype.h"
#include "formats/save.h"

namespace cairn::formats {
namespace {

using tensor::WeightType;

std::string file_name(ModelFormat format) {
    return format == ModelFormat::kCairn  ? "m.cairn"
           : format == ModelFormat::kGguf ? "m.gguf"
                                          : "folder";
}

Result<LoadedModel> through(const model::Model& model, ModelFormat format,
                            const WriteOptions& options, const Scratch& scratch) {
    RETURN_IF_ERROR(save_model(model, format, scratch.path(), options));
    return load_any(scratch.path());
}

void expect_same(const model::Model& back, const model::Model& model, const std::string& what) {
    const auto differences = compare_tensors(model, back);
    ASSERT_TRUE(differences.ok()) << what << ": " << differences.error().message;
    for (const TensorDifference& tensor : *differences)
        EXPECT_TRUE(tensor.same_bytes) << what << ": " << tensor.name << " " << tensor.largest;
    model::ModelConfig paired = back.config;
    paired.rope_interleaved = model.config.rope_interleaved;
    EXPECT_EQ(paired, model.config) << what;
}

constexpr ModelFormat kFormats[] = {ModelFormat::kCairn, ModelFormat::kGguf,
                                    ModelFormat::kHuggingFace};

TEST(Convert, EveryFamilySurvivesEveryFormat) {
    for (const auto& [name, config] : family_configs())
        for (const ModelFormat format : kFormats) {
            const model::Model model = family_model(config);
            const std::string what = name + " as " + std::string(model_format_name(format));
            const Scratch scratch(file_name(format));
            const auto back = through(model, format, {}, scratch);
            ASSERT_TRUE(back.ok()) << what << ": " << back.error().message;
            expect_same(back->model, model, what);
        }
}

TEST(Convert, AChainOfFormatsLosesNothing) {
    for (const auto& [name, config] : family_configs()) {
        const model::Model model = family_model(config);
        const Scratch gguf("chain.gguf");
        const Scratch folder("chain");
        const Scratch cairn("chain.cairn");
        const auto first = through(model, ModelFormat::kGguf, {}, gguf);
        ASSERT_TRUE(first.ok()) << name;
        const auto second = through(first->model, ModelFormat::kHuggingFace, {}, folder);
        ASSERT_TRUE(second.ok()) << name << ": " << second.error().message;
        const auto third = through(second->model, ModelFormat::kCairn, {}, cairn);
        ASSERT_TRUE(third.ok()) << name << ": " << third.error().message;
        expect_same(third->model, model, name);
    }
}

TEST(Convert, TypesSurvive) {
    for (const auto& [name, config] : family_configs())
        for (const WeightType type :
             {WeightType::kF16, WeightType::kBf16, WeightType::kQ8_0, WeightType::kQ4_0,
              WeightType::kQ4_1, WeightType::kQ5_0, WeightType::kQ5_1, WeightType::kW8A8Row}) {
            const model::Model wide = family_model(config);
            const model::Model model = retype(wide, type, config.rope_interleaved).value();
            for (const ModelFormat format : kFormats) {
                const bool plain = type == WeightType::kF16 || type == WeightType::kBf16;
                if (format == ModelFormat::kHuggingFace && !plain) continue;
                if (format == ModelFormat::kGguf && type == WeightType::kW8A8Row) continue;
                const std::string what = name + " as " + std::string(model_format_name(format)) +
                                         " of " + std::string(tensor::weight_type_name(type));
                const Scratch scratch(file_name(format));
                const auto back = through(model, format, {}, scratch);
                ASSERT_TRUE(back.ok()) << what << ": " << back.error().message;
                expect_same(back->model, model, what);
                const auto& weight =
                    model::tensor_at(back->model.weights, model::TensorKind::kWUp, 0);
                EXPECT_EQ(weight.type, type) << what;
            }
        }
}

TEST(Convert, WritingNarrowIsConvertingAndThenWriting) {
    const model::Model wide = family_model(family_configs()[1].config);
    for (const WeightType type : {WeightType::kF16, WeightType::kBf16, WeightType::kQ8_0}) {
        const Scratch scratch("narrow.gguf");
        WriteOptions options;
        options.type = type;
        const auto back = through(wide, ModelFormat::kGguf, options, scratch);
        ASSERT_TRUE(back.ok()) << back.error().message;
        expect_same(back->model, retype(wide, type, false).value(), "gguf");
    }
}

TEST(Convert, EveryFormatTellsHowFarItIs) {
    const model::Model model = family_model(family_configs()[0].config);
    for (const ModelFormat format : kFormats)
        for (const bool narrow : {false, true}) {
            WriteOptions options;
            if (narrow) options.type = WeightType::kF16;
            std::uint64_t last = 0;
            std::uint64_t all = 0;
            std::size_t calls = 0;
            options.progress = [&](std::uint64_t done, std::uint64_t total) {
                EXPECT_GE(done, last) << model_format_name(format);
                EXPECT_LE(done, total);
                last = done;
                all = total;
                ++calls;
            };
            const Scratch scratch(file_name(format));
            ASSERT_TRUE(through(model, format, options, scratch).ok());
            EXPECT_GT(calls, 10U) << model_format_name(format);
            EXPECT_GT(last * 10, all * 9) << model_format_name(format);
        }
}

TEST(Convert, PairingsThereAndBackAreTheSameBits) {
    for (const auto& [name, config] : family_configs()) {
        const model::Model model = family_model(config);
        const bool pairing = config.rope_interleaved;
        const model::Model other = retype(model, {}, !pairing).value();
        const bool rotary = config.positions == model::PositionKind::kRotary;
        EXPECT_EQ(model::dense_parameters(other) == model::dense_parameters(model), !rotary)
            << name;
        const model::Model back = retype(other, {}, pairing).value();
        EXPECT_EQ(model::bit_hash(model::dense_parameters(back)),
                  model::bit_hash(model::dense_parameters(model)))
            << name;
        if (!config.causal) continue;
        // The other order of rows computes the same function, up to rounding.
        const model::Machine machine(tensor::available_kernel_sets().back(), 1);
        const auto tokens = model::random_tokens(12, config.vocab, 3);
        EXPECT_LT(compare_logits(machine.compute, model, other, tokens).largest, 1e-3) << name;
        EXPECT_TRUE(compare_logits(machine.compute, model, back, tokens).same_bits) << name;
    }
}

TEST(Convert, TheTokenizerGoesAlong) {
    const model::Model model = family_model(family_configs()[0].config);
    const auto own = text::parse_tokenizer(model.tokenizer).value();
    for (const ModelFormat format : kFormats) {
        const Scratch scratch(file_name(format));
        const auto back = through(model, format, {}, scratch).value();
        EXPECT_EQ(back.tokenizer_problem, "");
        const auto tokenizer = find_tokenizer(back, scratch.path(), "");
        ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message;
        EXPECT_EQ(back.model.chat_template, model.chat_template);
        // Ids mean the same text, whatever rule cuts it.
        for (std::uint32_t id = 0; id < own->vocab_size(); ++id)
            EXPECT_EQ((*tokenizer)->piece(65, id), own->piece(65, id)) << id;
        EXPECT_EQ((*tokenizer)->begin_token(), own->begin_token());
    }
}

TEST(Convert, ShardsHoldWhatOneFileHolds) {
    const model::Model model = family_model(family_configs()[5].config);
    const Scratch scratch("shards");
    WriteOptions options;
    options.shard_bytes = 40000;
    const auto back = through(model, ModelFormat::kHuggingFace, options, scratch);
    ASSERT_TRUE(back.ok()) << back.error().message;
    expect_same(back->model, model, "shards");
    const std::string index = scratch.path() + "/model.safetensors.index.json";
    EXPECT_TRUE(std::filesystem::exists(index));
    // Written again as one file, nothing of the shards is left.
    options.shard_bytes = 0;
    EXPECT_EQ(save_model(model, ModelFormat::kHuggingFace, scratch.path(), options).error().code,
              ErrorCode::kRefused);
    options.replace = Replace::kYes;
    const auto again = through(model, ModelFormat::kHuggingFace, options, scratch);
    ASSERT_TRUE(again.ok()) << again.error().message;
    expect_same(again->model, model, "one file");
    EXPECT_FALSE(std::filesystem::exists(index));
    std::size_t weights = 0;
    for (const auto& entry : std::filesystem::directory_iterator(scratch.path()))
        weights += entry.path().extension() == ".safetensors" ? 1 : 0;
    EXPECT_EQ(weights, 1U);
}

TEST(Convert, ValuesBeyondATypeAreRefusedByName) {
    const model::ModelConfig config = family_configs()[0].config;
    const model::ParameterLayout layout(config);
    std::vector<float> parameters = model::large_parameters(layout, 1);
    parameters[layout.at(model::TensorKind::kWUp, 1).offset + 5] = 1e6F;
    const model::Model model = model::make_model(config, parameters);
    for (const ModelFormat format : kFormats) {
        const Scratch scratch(file_name(format));
        WriteOptions options;
        options.type = WeightType::kF16;
        const auto written = save_model(model, format, scratch.path(), options);
        ASSERT_FALSE(written.ok());
        EXPECT_NE(written.error().message.find("up"), std::string::npos) << written.error().message;
        EXPECT_FALSE(std::filesystem::exists(scratch.path()));
    }
}

TEST(Convert, SaysWhatAFormatCannotHold) {
    const model::Model model = family_model(family_configs()[0].config);
    const Scratch scratch("none");
    WriteOptions options;
    options.type = WeightType::kW8A8Row;
    for (const ModelFormat format : {ModelFormat::kGguf, ModelFormat::kHuggingFace})
        EXPECT_EQ(save_model(model, format, scratch.path(), options).error().code,
                  ErrorCode::kUnsupported);
    model::ModelConfig odd = model.config;
    odd.feed_forward = model::FeedForward::kRelu;
    const model::Model relu = family_model(odd);
    for (const ModelFormat format : {ModelFormat::kGguf, ModelFormat::kHuggingFace})
        EXPECT_EQ(save_model(relu, format, scratch.path(), {}).error().code,
                  ErrorCode::kUnsupported);
    EXPECT_FALSE(std::filesystem::exists(scratch.path()));
    EXPECT_EQ(model_format_for("x.gguf", "").value(), ModelFormat::kGguf);
    EXPECT_EQ(model_format_for("x", "").value(), ModelFormat::kHuggingFace);
    EXPECT_EQ(model_format_for("x.bin", "cairn").value(), ModelFormat::kCairn);
    EXPECT_FALSE(model_format_for("x.bin", "").ok());
    EXPECT_FALSE(model_format_for("x.bin", "onnx").ok());
}

}  // namespace
}  // namespace cairn::formats
