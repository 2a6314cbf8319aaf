// Proves that model files round-trip, that every damaged or foreign file is refused with a reason,
// and that a real llama2.c model writes the text that llama2.c and llama.cpp write.
#include <sys/stat.h>

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/encoding.h"
#include "base/files.h"
#include "base/test_data.h"
#include "formats/checkpoint.h"
#include "formats/format_test_models.h"
#include "formats/llama2c.h"
#include "formats/load.h"
#include "formats/mapped_source.h"
#include "formats/retype.h"
#include "formats/tokenizer_file.h"
#include "infer/generate.h"
#include "model/test_model.h"

namespace cairn::formats {
namespace {

model::Model small_model(bool tied = true) {
    const model::ParameterLayout layout(model::small_config(tied));
    return model::make_model(layout.config(), model::large_parameters(layout, 5));
}

Result<model::Model> read(ByteView bytes) {
    return read_checkpoint(std::make_shared<MemorySource>(bytes));
}

TEST(Checkpoint, RoundTrips) {
    for (const bool tied : {false, true}) {
        const model::Model model = small_model(tied);
        const Bytes bytes = encode_checkpoint(model).value();
        const model::Model back = read(bytes).value();
        EXPECT_EQ(back.config, model.config);
        EXPECT_EQ(model::bit_hash(model::dense_parameters(back)),
                  model::bit_hash(model::dense_parameters(model)));
        EXPECT_EQ(encode_checkpoint(back).value(), bytes);
    }
}

TEST(Checkpoint, RefusesEveryFlippedBitAndEveryShorterFile) {
    const Bytes bytes = encode_checkpoint(small_model()).value();
    for (std::size_t bit = 0; bit < bytes.size() * 8; bit += bit < 800 ? 1 : 1009) {
        Bytes bad = bytes;
        bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (1U << (bit % 8)));
        EXPECT_FALSE(read(bad).ok()) << bit;
    }
    for (std::size_t size = 0; size < bytes.size(); size += size < 100 ? 1 : 997)
        EXPECT_FALSE(read(ByteView(bytes).first(size)).ok()) << size;
    Bytes longer = bytes;
    longer.resize(bytes.size() + 8);
    EXPECT_FALSE(read(longer).ok());
}

TEST(Checkpoint, GivesItsTokenizerWhereOneIsAskedFor) {
    const Scratch scratch("tokenizer.cairn");
    const std::string path = scratch.path();
    const model::Model model = family_model(family_configs()[0].config);
    ASSERT_TRUE(save_checkpoint(model, path).ok());
    const auto tokenizer = load_tokenizer(path);
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message;
    EXPECT_EQ((*tokenizer)->serialise(), model.tokenizer);

    ASSERT_TRUE(save_checkpoint(small_model(), path).ok());
    EXPECT_NE(load_tokenizer(path).error().message.find("no tokenizer inside"), std::string::npos);
}

TEST(Checkpoint, ReadsVersion1) {
    const model::Model model = small_model();
    Writer writer;
    writer.raw(as_bytes(kCheckpointMagic));
    writer.u32(1);
    model::encode(model.config, writer);
    writer.bytes({});
    const std::vector<float> parameters = model::dense_parameters(model);
    writer.u64(parameters.size());
    for (const float value : parameters) writer.u32(std::bit_cast<std::uint32_t>(value));
    writer.u64(checkpoint_checksum(writer.out()));
    Bytes file = std::move(writer).take();
    const model::Model back = read(file).value();
    EXPECT_EQ(back.config, model.config);
    EXPECT_EQ(model::bit_hash(model::dense_parameters(back)), model::bit_hash(parameters));
    file[file.size() / 2] ^= 1;
    EXPECT_FALSE(read(file).ok());
}

TEST(Checkpoint, EveryTypeRoundTripsToTheSameBytes) {
    for (const auto type :
         {tensor::WeightType::kF16, tensor::WeightType::kBf16, tensor::WeightType::kQ8_0,
          tensor::WeightType::kQ4_0, tensor::WeightType::kQ4_1, tensor::WeightType::kQ5_0,
          tensor::WeightType::kQ5_1, tensor::WeightType::kW8A8Row}) {
        const model::Model model =
            retype(family_model(family_configs()[0].config), type, true).value();
        const Bytes bytes = encode_checkpoint(model).value();
        const model::Model back = read(bytes).value();
        EXPECT_EQ(back.weights.layers[1].w_down.type, type);
        EXPECT_EQ(back.chat_template, model.chat_template);
        EXPECT_EQ(encode_checkpoint(back).value(), bytes);
        for (std::size_t bit = 0; bit < bytes.size() * 8; bit += 4999) {
            Bytes bad = bytes;
            bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (1U << (bit % 8)));
            EXPECT_FALSE(read(bad).ok()) << bit;
        }
    }
}

TEST(Checkpoint, AMappedFileIsUsedInPlace) {
    const Scratch scratch("mapped.cairn");
    ASSERT_TRUE(save_checkpoint(small_model(), scratch.path()).ok());
    const SharedSource source = open_source(scratch.path()).value();
    const model::Model model = read_checkpoint(source).value();
    const auto* data = static_cast<const std::uint8_t*>(model.weights.layers[0].wq.data);
    EXPECT_TRUE(data >= source->mapped() && data < source->mapped() + source->size());
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(data) % kCheckpointAlignment, 0U);
}

TEST(Checkpoint, RefusesNumbersThatAreNone) {
    std::vector<float> parameters = model::dense_parameters(small_model());
    parameters[100] = std::numeric_limits<float>::infinity();
    const auto refused = encode_checkpoint(model::make_model(model::small_config(), parameters));
    ASSERT_FALSE(refused.ok());
    EXPECT_NE(refused.error().message.find("token_embedding"), std::string::npos);
}

class Stories : public testing::Test {
  protected:
    void SetUp() override {
        path_ = test_data_folder() + "/stories260K/stories260K.bin";
        if (!std::filesystem::exists(path_)) GTEST_SKIP() << "no stories260K: set CAIRN_TEST_DATA";
    }
    std::string path_;
};

TEST_F(Stories, WritesTheTextThatOthersWrite) {
    const LoadedModel loaded = load_any(path_).value();
    EXPECT_EQ(loaded.format, "llama2c");
    const model::Model& model = loaded.model;
    const auto tokenizer = find_tokenizer(model, path_, "").value();
    const Bytes expected =
        read_file(test_data_folder() + "/stories260K/greedy.txt", 1U << 16).value();
    for (const tensor::KernelSet set : tensor::available_kernel_sets()) {
        const model::Machine machine(set, 2);
        model::Transformer transformer(model.config, model.weights, model::all_layers(model.config),
                                       machine.compute, {});
        model::KvCache cache(model.config, model::all_layers(model.config), 256);
        infer::LocalLayers layers(transformer, cache);
        const text::Tokens prompt{tokenizer->begin_token()};
        const auto result = infer::generate(machine.compute, transformer, layers, prompt,
                                            {.max_tokens = 200}, {}, {});
        EXPECT_EQ(tokenizer->decode(result.value().tokens), as_text(expected))
            << tensor::kernel_set_name(set);
    }
}

TEST_F(Stories, SurvivesConversionToOurFormat) {
    model::Model model = load_any(path_).value().model;
    model.tokenizer =
        read_file(test_data_folder() + "/stories260K/tok512.bin", text::kMaxTokenizerBytes).value();
    const std::string path = testing::TempDir() + "/stories.cairn";
    ASSERT_TRUE(save_checkpoint(model, path).ok());
    const LoadedModel back = load_any(path).value();
    EXPECT_EQ(back.format, "cairn");
    EXPECT_EQ(back.model.config, model.config);
    EXPECT_EQ(model::bit_hash(model::dense_parameters(back.model)),
              model::bit_hash(model::dense_parameters(model)));
    EXPECT_EQ(find_tokenizer(back.model, path, "").value()->vocab_size(), 512U);
    std::filesystem::remove(path);
}

TEST_F(Stories, RefusesDamage) {
    const Bytes bytes = read_file(path_, 1U << 24).value();
    const auto load = [](ByteView view) { return read_llama2c(MemorySource(view)); };
    EXPECT_TRUE(load(bytes).ok());
    EXPECT_FALSE(load(ByteView(bytes).first(bytes.size() - 1)).ok());
    EXPECT_FALSE(load(ByteView(bytes).first(10)).ok());
    Bytes nan = bytes;
    for (std::size_t i = 28; i < 32; ++i) nan[i] = 0xFF;
    EXPECT_EQ(read_llama2c(MemorySource(nan, "stories.bin")).error().message,
              "stories.bin: tensor token_embedding has a NaN or infinity at index 0");
}

TEST(LoadAny, SaysWhatAFileIsInstead) {
    EXPECT_EQ(load_any("/nonexistent").error().code, ErrorCode::kNotFound);
    const auto error_of = [](const std::string& content) {
        const Scratch scratch("other.bin");
        std::ofstream(scratch.path(), std::ios::binary) << content;
        return load_any(scratch.path()).error();
    };
    EXPECT_EQ(error_of("GGUF").code, ErrorCode::kInvalid);
    EXPECT_EQ(error_of(std::string("GGUF\1\0\0\0", 8)).code, ErrorCode::kUnsupported);
    EXPECT_NE(error_of("CAIRNBPE").message.find("tokenizer"), std::string::npos);
    EXPECT_NE(error_of("PK\x03\x04 archive").message.find("safetensors"), std::string::npos);
    EXPECT_NE(error_of("{\"model_type\": 1}").message.find("folder"), std::string::npos);
    EXPECT_EQ(error_of("plain text, nothing that a model begins with").code, ErrorCode::kInvalid);
    EXPECT_EQ(error_of("").code, ErrorCode::kInvalid);
    EXPECT_EQ(load_any("/dev/full").error().message, "/dev/full is a device, not a file");
    const Scratch pipe("pipe");
    ASSERT_EQ(::mkfifo(pipe.path().c_str(), 0600), 0);
    EXPECT_TRUE(load_any(pipe.path()).error().message.starts_with(pipe.path() + " is a pipe;"));
    // An empty folder names the files that it lacks.
    const Scratch folder("folder");
    std::filesystem::create_directory(folder.path());
    EXPECT_NE(load_any(folder.path()).error().message.find("config.json"), std::string::npos);
}

}  // namespace
}  // namespace cairn::formats
