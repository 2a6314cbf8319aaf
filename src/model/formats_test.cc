// Proves that model files round-trip, that every damaged or foreign file is refused with a reason,
// and that a real llama2.c model writes the text that llama2.c and llama.cpp write.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/codec.h"
#include "base/test_data.h"
#include "model/checkpoint.h"
#include "model/generate.h"
#include "model/llama2c.h"
#include "model/load.h"
#include "model/safetensors.h"
#include "model/test_model.h"
#include "tensor/kv_type.h"

namespace cairn::model {
namespace {

Model small_model(bool tied = true) {
    const ParameterLayout layout(small_config(tied));
    return make_model(layout.config(), lively_parameters(layout, 5));
}

Result<Model> read(ByteView bytes) { return read_checkpoint(MemorySource(bytes)); }

TEST(Checkpoint, RoundTrips) {
    for (const bool tied : {false, true}) {
        const Model model = small_model(tied);
        const Bytes bytes = encode_checkpoint(model).value();
        const Model back = read(bytes).value();
        EXPECT_EQ(back.config, model.config);
        EXPECT_EQ(bit_hash(dense_parameters(back)), bit_hash(dense_parameters(model)));
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

TEST(Checkpoint, RefusesNumbersThatAreNone) {
    std::vector<float> parameters = dense_parameters(small_model());
    parameters[100] = std::numeric_limits<float>::infinity();
    const auto refused = encode_checkpoint(make_model(small_config(), parameters));
    ASSERT_FALSE(refused.ok());
    EXPECT_NE(refused.error().message.find("token_embedding"), std::string::npos);
}

// A safetensors file with the given type for all matrices.
Bytes safetensors_file(const Model& model, bool bf16) {
    const ParameterLayout layout(model.config);
    const std::vector<float> parameters = dense_parameters(model);
    std::string header = "{";
    Writer data;
    for (const TensorInfo& info : layout.tensors()) {
        const bool narrow = bf16 && info.is_matrix;
        const std::string name = [&]() -> std::string {
            const std::string layer = "model.layers." + std::to_string(info.layer) + ".";
            switch (info.kind) {
                case TensorKind::kTokenEmbedding:
                    return "model.embed_tokens.weight";
                case TensorKind::kAttnNorm:
                    return layer + "input_layernorm.weight";
                case TensorKind::kWq:
                    return layer + "self_attn.q_proj.weight";
                case TensorKind::kWk:
                    return layer + "self_attn.k_proj.weight";
                case TensorKind::kWv:
                    return layer + "self_attn.v_proj.weight";
                case TensorKind::kWo:
                    return layer + "self_attn.o_proj.weight";
                case TensorKind::kFfnNorm:
                    return layer + "post_attention_layernorm.weight";
                case TensorKind::kWGate:
                    return layer + "mlp.gate_proj.weight";
                case TensorKind::kWUp:
                    return layer + "mlp.up_proj.weight";
                case TensorKind::kWDown:
                    return layer + "mlp.down_proj.weight";
                case TensorKind::kFinalNorm:
                    return "model.norm.weight";
                case TensorKind::kHead:
                    return "lm_head.weight";
                default:
                    return "";
            }
        }();
        const std::size_t begin = data.out().size();
        for (std::uint64_t i = 0; i < info.size(); ++i) {
            const float value = parameters[info.offset + i];
            if (narrow)
                data.u16(tensor::f32_to_bf16(value));
            else
                data.u32(std::bit_cast<std::uint32_t>(value));
        }
        const std::string shape = info.is_matrix
                                      ? std::to_string(info.rows) + "," + std::to_string(info.cols)
                                      : std::to_string(info.cols);
        header += (header.size() > 1 ? "," : "") + ("\"" + name + "\":{\"dtype\":\"") +
                  (narrow ? "BF16" : "F32") + "\",\"shape\":[" + shape + "],\"data_offsets\":[" +
                  std::to_string(begin) + "," + std::to_string(data.out().size()) + "]}";
    }
    header += "}";
    Writer file;
    file.u64(header.size());
    file.raw(as_bytes(header));
    file.raw(data.out());
    return std::move(file).take();
}

Result<Model> read_memory(const ModelConfig& config, ByteView bytes) {
    std::vector<std::unique_ptr<Source>> files;
    files.push_back(std::make_unique<MemorySource>(bytes));
    return read_safetensors(config, files);
}

TEST(Safetensors, ReadsFullAndHalfTypes) {
    const Model model = small_model(false);
    std::vector<float> parameters = dense_parameters(model);
    const auto read_back = [&](const Bytes& file) {
        return bit_hash(dense_parameters(read_memory(model.config, file).value()));
    };
    EXPECT_EQ(read_back(safetensors_file(model, false)), bit_hash(parameters));
    const ParameterLayout layout(model.config);
    for (const TensorInfo& info : layout.tensors())
        if (info.is_matrix)
            tensor::round_to_kv_type(tensor::KvType::kBf16, info.size(),
                                     parameters.data() + info.offset);
    EXPECT_EQ(read_back(safetensors_file(model, true)), bit_hash(parameters));
}

TEST(Safetensors, RefusesWhatDoesNotFit) {
    const Model model = small_model(false);
    const Bytes bytes = safetensors_file(model, false);
    EXPECT_FALSE(read_memory(model.config, ByteView(bytes).first(bytes.size() - 1)).ok());
    EXPECT_FALSE(read_memory(model.config, ByteView(bytes).first(20)).ok());
    ModelConfig other = model.config;
    other.hidden_dim += 1;
    EXPECT_FALSE(read_memory(other, bytes).ok());
    other = model.config;
    other.layers = 2;  // then layer 2's tensors belong to nothing
    EXPECT_EQ(read_memory(other, bytes).error().code, ErrorCode::kUnsupported);
}

TEST(Safetensors, RefusesOffsetsOutsideTheFileAndLengthsThatLie) {
    const auto header = [](const std::string& offsets, const std::string& shape) {
        const std::string text =
            R"({"a":{"dtype":"F32","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
        Writer file;
        file.u64(text.size());
        file.raw(as_bytes(text));
        file.u64(0);
        const Bytes bytes = std::move(file).take();
        return read_safetensors_header(MemorySource(bytes)).ok();
    };
    EXPECT_TRUE(header("[0,8]", "[2]"));
    EXPECT_FALSE(header("[0,12]", "[3]"));  // one past the end
    EXPECT_FALSE(header("[4,12]", "[2]"));
    EXPECT_FALSE(header("[8,0]", "[2]"));
    EXPECT_FALSE(header("[0,8]", "[3]"));
    EXPECT_FALSE(header("[0,8]", "[-2]"));
    EXPECT_FALSE(header("[0,8,8]", "[2]"));
    EXPECT_FALSE(header("[0,0]", "[4294967296,4294967296]"));  // wraps to nothing in 64 bits
}

TEST(Safetensors, ReadsConfigsAndRefusesOtherModels) {
    const std::string good =
        R"({"model_type":"llama","hidden_size":64,"intermediate_size":172,"num_hidden_layers":5,)"
        R"("num_attention_heads":8,"num_key_value_heads":4,"vocab_size":512,)"
        R"("max_position_embeddings":512,"rms_norm_eps":1e-05,"tie_word_embeddings":true)";
    const ModelConfig config = parse_llama_config(good + "}").value();
    EXPECT_EQ(config.kv_heads, 4U);
    EXPECT_EQ(config.norm_eps, 1e-5F);
    EXPECT_EQ(config.rope_theta, 10000.0F);
    EXPECT_FALSE(config.rope_interleaved);
    for (const char* more : {R"(,"attention_bias":true)", R"(,"rope_scaling":{"factor":2})",
                             R"(,"hidden_act":"gelu")", R"(,"head_dim":16)"})
        EXPECT_EQ(parse_llama_config(good + more + "}").error().code, ErrorCode::kUnsupported);
    EXPECT_FALSE(parse_llama_config("{}").ok());
    EXPECT_FALSE(parse_llama_config("[1]").ok());
    EXPECT_FALSE(parse_llama_config(good).ok());
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
    const Model& model = loaded.model;
    const auto tokenizer = find_tokenizer(model, path_, "").value();
    const Bytes expected =
        read_file(test_data_folder() + "/stories260K/greedy.txt", 1U << 16).value();
    for (const tensor::KernelSet set : tensor::available_kernel_sets()) {
        const Machine machine(set, 2);
        Transformer transformer(model.config, model.weights, all_layers(model.config),
                                machine.compute, {});
        KvCache cache(model.config, all_layers(model.config), 256);
        LocalLayers layers(transformer, cache);
        const Tokens prompt{tokenizer->begin_token()};
        const auto result =
            generate(machine.compute, transformer, layers, prompt, {.max_tokens = 200}, {}, {});
        EXPECT_EQ(tokenizer->decode(result.value().tokens), as_text(expected))
            << tensor::kernel_set_name(set);
    }
}

TEST_F(Stories, SurvivesConversionToOurFormat) {
    Model model = load_any(path_).value().model;
    model.tokenizer =
        read_file(test_data_folder() + "/stories260K/tok512.bin", kMaxTokenizerBytes).value();
    const std::string path = testing::TempDir() + "/stories.cairn";
    ASSERT_TRUE(save_checkpoint(model, path).ok());
    const LoadedModel back = load_any(path).value();
    EXPECT_EQ(back.format, "cairn");
    EXPECT_EQ(back.model.config, model.config);
    EXPECT_EQ(bit_hash(dense_parameters(back.model)), bit_hash(dense_parameters(model)));
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
    EXPECT_FALSE(load(nan).ok());
}

TEST(LoadAny, SaysWhatAFileIsInstead) {
    EXPECT_EQ(load_any("/nonexistent").error().code, ErrorCode::kNotFound);
    const std::string path = testing::TempDir() + "/other.gguf";
    std::ofstream(path) << "GGUF and more than eight bytes";
    EXPECT_EQ(load_any(path).error().code, ErrorCode::kUnsupported);
    std::ofstream(path) << "plain text, nothing that a model begins with";
    EXPECT_EQ(load_any(path).error().code, ErrorCode::kInvalid);
    std::filesystem::remove(path);
}

}  // namespace
}  // namespace cairn::model
