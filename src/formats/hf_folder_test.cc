// Proves that config.json is read as transformers means it, in every spelling, that what would be
// computed differently is refused, and that safetensors with names and shapes of their own are
// understood or refused by name.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "base/files.h"
#include "formats/compare.h"
#include "formats/format_test_models.h"
#include "formats/hf_folder.h"
#include "formats/hf_writer.h"
#include "formats/load.h"
#include "formats/safetensors.h"
#include "formats/tokenizer_file.h"

namespace cairn::formats {
namespace {

const std::string kLlama =
    R"("model_type":"llama","hidden_size":64,"intermediate_size":172,"num_hidden_layers":5,)"
    R"("num_attention_heads":8,"num_key_value_heads":4,"vocab_size":512,)"
    R"("max_position_embeddings":512,"rms_norm_eps":1e-05)";

Result<HfConfig> parse(const std::string& fields) { return parse_hf_config("{" + fields + "}"); }

TEST(HfConfig, ReadsALlama) {
    const HfConfig read = parse(kLlama + R"(,"tie_word_embeddings":true)").value();
    EXPECT_EQ(read.family, HfFamily::kLlama);
    EXPECT_EQ(read.config.kv_heads, 4U);
    EXPECT_EQ(read.config.norm_eps, 1e-5F);
    EXPECT_EQ(read.config.rope_theta, 10000.0F);
    EXPECT_TRUE(read.config.tied_head);
    EXPECT_FALSE(read.config.rope_interleaved);
    EXPECT_TRUE(read.config.is_llama());
    EXPECT_EQ(parse(kLlama + R"(,"head_dim":16)").value().config.explicit_head_dim, 16U);
    EXPECT_EQ(parse(kLlama + R"(,"head_dim":8)").value().config.explicit_head_dim, 0U);
    EXPECT_TRUE(parse(kLlama + R"(,"attention_bias":true)").value().config.out_bias);
    EXPECT_TRUE(parse(kLlama + R"(,"mlp_bias":true)").value().config.ffn_bias);
}

TEST(HfConfig, ReadsEverySpellingOfRopeScaling) {
    const auto scale = [](const std::string& more) {
        return parse(kLlama + "," + more).value().config.rope_scale;
    };
    const model::RopeScale linear = model::linear_rope_scale(2.0F);
    EXPECT_EQ(scale(R"("rope_scaling":null)"), model::RopeScale{});
    EXPECT_EQ(scale(R"("rope_scaling":{"type":"linear","factor":2.0})"), linear);
    EXPECT_EQ(scale(R"("rope_scaling":{"rope_type":"linear","factor":2})"), linear);
    EXPECT_EQ(scale(R"("rope_parameters":{"rope_type":"linear","factor":2,"rope_theta":5})"),
              linear);
    EXPECT_EQ(scale(R"("rope_parameters":{"rope_type":"default","rope_theta":5})"),
              model::RopeScale{});
    EXPECT_EQ(scale(R"("rope_scaling":{"rope_type":"llama3","factor":8.0,"low_freq_factor":2.0,)"
                    R"("high_freq_factor":6.0,"original_max_position_embeddings":8192})"),
              model::llama3_rope_scale(8.0F, 2.0F, 6.0F, 8192));
    EXPECT_EQ(scale(R"("rope_scaling":{"type":"yarn","factor":4.0,)"
                    R"("original_max_position_embeddings":256})"),
              model::yarn_rope_scale(4.0F, 256));
    EXPECT_EQ(scale(R"("rope_scaling":{"rope_type":"yarn","factor":4.0,"beta_fast":16,)"
                    R"("beta_slow":2,"attention_factor":0.75,)"
                    R"("original_max_position_embeddings":256})"),
              model::yarn_rope_scale(4.0F, 256, 16.0F, 2.0F, 0.75F));
    EXPECT_EQ(parse(kLlama + R"(,"rope_parameters":{"rope_type":"default","rope_theta":5e5})")
                  .value()
                  .config.rope_theta,
              500000.0F);
    EXPECT_EQ(parse(kLlama + R"(,"rope_theta":1000000.0)").value().config.rope_theta, 1e6F);
}

TEST(HfConfig, ReadsTheOtherFamilies) {
    const auto named = [](const std::string& name) {
        std::string fields = kLlama;
        fields.replace(fields.find("llama"), 5, name);
        return fields;
    };
    const model::ModelConfig qwen2 =
        parse(named("qwen2") + R"(,"use_sliding_window":false,"sliding_window":7)").value().config;
    EXPECT_TRUE(qwen2.qkv_bias && !qwen2.out_bias);
    EXPECT_EQ(qwen2.context, 512U);
    EXPECT_TRUE(parse(named("qwen3")).value().config.qk_norm);
    // Within its window, Mistral attends to everything.
    EXPECT_EQ(parse(named("mistral") + R"(,"sliding_window":128)").value().config.context, 128U);
    EXPECT_EQ(parse(named("mistral") + R"(,"sliding_window":null)").value().config.context, 512U);
    const model::ModelConfig gpt2 =
        parse(R"("model_type":"gpt2","n_embd":64,"n_layer":2,"n_head":4,"vocab_size":99,)"
              R"("n_positions":128)")
            .value()
            .config;
    EXPECT_EQ(gpt2.hidden_dim, 256U);
    EXPECT_EQ(gpt2.feed_forward, model::FeedForward::kGeluTanh);
    EXPECT_TRUE(gpt2.tied_head && gpt2.qkv_bias && gpt2.out_bias && gpt2.ffn_bias);
    const model::ModelConfig bert = parse(named("bert")).value().config;
    EXPECT_FALSE(bert.causal);
    EXPECT_EQ(bert.norm_position, model::NormPosition::kPost);
    EXPECT_EQ(bert.token_types, 2U);
    EXPECT_EQ(bert.norm_eps, 1e-12F);
}

TEST(HfConfig, RefusesWhatItWouldComputeDifferently) {
    for (const char* more :
         {R"("hidden_act":"gelu")", R"("rope_scaling":{"type":"dynamic","factor":2})",
          R"("rope_scaling":{"rope_type":"longrope"})", R"("partial_rotary_factor":0.5)",
          R"("rope_scaling":{"type":"yarn","factor":2,"mscale":1.0})",
          R"("quantization_config":{"bits":4})"}) {
        const auto read = parse(kLlama + "," + more);
        ASSERT_FALSE(read.ok()) << more;
        EXPECT_EQ(read.error().code, ErrorCode::kUnsupported) << more;
    }
    EXPECT_EQ(parse(R"("model_type":"mixtral")").error().code, ErrorCode::kUnsupported);
    EXPECT_FALSE(parse("").ok());
    EXPECT_FALSE(parse_hf_config("[1]").ok());
    EXPECT_FALSE(parse_hf_config("{" + kLlama).ok());
    EXPECT_FALSE(parse(kLlama + R"(,"num_attention_heads":0)").ok());
    EXPECT_FALSE(parse(kLlama + R"(,"rope_scaling":7)").ok());
    EXPECT_FALSE(parse(kLlama + R"(,"vocab_size":-1)").ok());
}

std::string refusal(const std::string& fields) {
    const auto read = parse(fields);
    return read.ok() ? "" : read.error().message;
}

// kLlama with another value for `key`.
std::string llama_with(const std::string& key, const std::string& value) {
    std::string fields = kLlama;
    const std::size_t at = fields.find("\"" + key + "\":");
    if (at == fields.npos) return fields + ",\"" + key + "\":" + value;
    const std::size_t begin = at + key.size() + 3;
    const std::size_t end = std::min(fields.find(',', begin), fields.size());
    return fields.replace(begin, end - begin, value);
}

TEST(HfConfig, NestingWithoutEndIsRefused) {
    const std::string deep = std::string(200000, '[') + std::string(200000, ']');
    EXPECT_EQ(parse(kLlama + R"(,"hidden_act":)" + deep).error().message,
              "config.json nests its lists and objects more than 100 deep");
}

TEST(HfConfig, NumbersOutOfRangeAreRefusedByTheirKey) {
    const std::pair<const char*, const char*> cases[] = {
        {"hidden_size", "0"},
        {"hidden_size", "1e9"},
        {"hidden_size", "-64"},
        {"intermediate_size", "4294967295"},
        {"num_hidden_layers", "0"},
        {"num_hidden_layers", "100000"},
        {"num_attention_heads", "0"},
        {"num_attention_heads", "7"},
        {"num_key_value_heads", "3"},
        {"num_key_value_heads", "0"},
        {"vocab_size", "18446744073709551615"},
        {"max_position_embeddings", "0"},
        {"max_position_embeddings", "4294967295"},
        {"rms_norm_eps", "-1e-5"},
        {"rms_norm_eps", "0"},
        {"rms_norm_eps", "1e300"},
        {"rms_norm_eps", "\"small\""},
        {"rope_theta", "0"},
        {"rope_theta", "-10000"},
        {"head_dim", "7"},
        {"head_dim", "0"},
        {"partial_rotary_factor", "-1"},
    };
    for (const auto& [key, value] : cases)
        EXPECT_NE(refusal(llama_with(key, value)).find(key), std::string::npos)
            << key << " " << value << ": " << refusal(llama_with(key, value));
    for (const char* factor : {"0", "-2", "0.5", "1e9", "null"})
        EXPECT_NE(refusal(kLlama + R"(,"rope_scaling":{"type":"linear","factor":)" + factor + "}")
                      .find("factor"),
                  std::string::npos)
            << factor;
    EXPECT_NE(refusal(kLlama + R"(,"rope_theta":NaN)").find("is not JSON from byte"),
              std::string::npos);
    EXPECT_NE(refusal(kLlama + R"(,"rope_theta":1e999)").find("config.json"), std::string::npos);
}

TEST(HfConfig, WhereTwoKeysDisagreeTransformersDecidesOrTheFileIsRefused) {
    EXPECT_NE(refusal(kLlama + R"(,"vocab_size":512)").find("vocab_size twice"), std::string::npos);
    // The old key wins in every version.
    EXPECT_EQ(parse(kLlama + R"(,"rope_scaling":{"rope_type":"linear","factor":2},)"
                             R"("rope_parameters":{"rope_type":"default"})")
                  .value()
                  .config.rope_scale,
              model::linear_rope_scale(2.0F));
    EXPECT_NE(refusal(kLlama + R"(,"rope_theta":5e5,"rope_parameters":)"
                               R"({"rope_type":"default","rope_theta":1e4})")
                  .find("differs between versions"),
              std::string::npos);
    EXPECT_NE(refusal(kLlama + R"(,"rope_scaling":{"rope_type":"linear","type":"yarn","factor":2})")
                  .find("rope_type"),
              std::string::npos);
    EXPECT_EQ(parse(kLlama + R"(,"architectures":["Qwen2ForCausalLM"],"torch_dtype":"float16")")
                  .value()
                  .family,
              HfFamily::kLlama);
    EXPECT_NE(refusal(R"("hidden_size":64)").find("no model_type"), std::string::npos);
}

TEST(HfConfig, SilentKeysHaveTheFamilysDefault) {
    const auto without_heads = [](const std::string& family, const std::string& more) {
        std::string fields = R"("model_type":")" + family +
                             R"(","hidden_size":512,"intermediate_size":64,"num_hidden_layers":1,)"
                             R"("num_attention_heads":32,"vocab_size":512,)"
                             R"("max_position_embeddings":8192)" +
                             more;
        return parse(fields).value().config;
    };
    EXPECT_EQ(without_heads("llama", "").kv_heads, 32U);
    EXPECT_EQ(without_heads("mistral", "").kv_heads, 8U);
    EXPECT_EQ(without_heads("mistral", R"(,"num_key_value_heads":null)").kv_heads, 32U);
    EXPECT_EQ(without_heads("qwen2", "").kv_heads, 32U);
    EXPECT_EQ(without_heads("mistral", "").context, 4096U) << "its window";
    EXPECT_EQ(without_heads("mistral", R"(,"sliding_window":null)").context, 8192U);
    EXPECT_EQ(without_heads("qwen3", "").head_dim(), 128U);
    EXPECT_EQ(without_heads("qwen2", "").head_dim(), 16U);
}

TEST(HfConfig, WhatIsWrittenReadsBackTheSame) {
    for (const auto& [name, config] : family_configs()) {
        const HfFamily family = hf_family_of(config).value();
        const std::string text = render_hf_config(config, family, {}, tensor::WeightType::kF32);
        const auto back = parse_hf_config(text);
        ASSERT_TRUE(back.ok()) << name << ": " << back.error().message;
        model::ModelConfig paired = back->config;
        paired.rope_interleaved = config.rope_interleaved;
        EXPECT_EQ(paired, config) << name << "\n" << text;
    }
}

// A safetensors file of tensors that hold 0, 1, 2, ...
Bytes tensors_file(const std::string& header, std::size_t floats) {
    Writer writer;
    writer.u64(header.size());
    writer.raw(as_bytes(header));
    for (std::size_t i = 0; i < floats; ++i)
        writer.u32(std::bit_cast<std::uint32_t>(static_cast<float>(i)));
    return std::move(writer).take();
}

TEST(Safetensors, RefusesOffsetsOutsideTheFileAndLengthsThatLie) {
    const auto header = [](const std::string& offsets, const std::string& shape) {
        const Bytes bytes = tensors_file(
            R"({"a":{"dtype":"F32","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}", 2);
        return read_safetensors_header(std::make_shared<MemorySource>(bytes)).ok();
    };
    EXPECT_TRUE(header("[0,8]", "[2]"));
    EXPECT_FALSE(header("[0,12]", "[3]"));  // one past the end
    EXPECT_FALSE(header("[4,12]", "[2]"));
    EXPECT_FALSE(header("[8,0]", "[2]"));
    EXPECT_FALSE(header("[0,8]", "[3]"));
    EXPECT_FALSE(header("[0,8]", "[-2]"));
    EXPECT_FALSE(header("[0,8,8]", "[2]"));
    EXPECT_FALSE(header("[0,0]", "[4294967296,4294967296]"));  // wraps to nothing in 64 bits
    EXPECT_FALSE(header("[0,8]", "[1,1,1,1,1,1,1,1,2]"));
}

TEST(Safetensors, RefusesTensorsThatOverlap) {
    const Bytes bytes = tensors_file(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                                     R"("b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})",
                                     3);
    const auto read = read_safetensors_header(std::make_shared<MemorySource>(bytes));
    ASSERT_FALSE(read.ok());
    EXPECT_NE(read.error().message.find("overlap"), std::string::npos);
}

TEST(Safetensors, EveryByteBelongsToATensorOfOneName) {
    const auto said = [](const std::string& header, std::size_t floats) {
        const Bytes bytes = tensors_file(header, floats);
        const auto read = read_safetensors_header(std::make_shared<MemorySource>(bytes));
        return read.ok() ? std::string() : read.error().message;
    };
    const std::string a = R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]})";
    const std::string late = R"("b":{"dtype":"F32","shape":[2],"data_offsets":[12,20]})";
    const std::string next = R"("b":{"dtype":"F32","shape":[2],"data_offsets":[8,16]})";
    const auto has = [](const std::string& text, const char* part) {
        return text.find(part) != std::string::npos;
    };
    EXPECT_EQ(said("{" + a + "," + next + "}", 4), "");
    EXPECT_EQ(said("{" + a + R"(,"none":{"dtype":"F32","shape":[0],"data_offsets":[8,8]}})", 2),
              "");
    EXPECT_TRUE(has(said("{" + a + "," + late + "}", 5), "4 bytes before tensor b belong to none"));
    EXPECT_TRUE(has(said("{" + a + "}", 3), "4 bytes at its end belong to no tensor"));
    EXPECT_TRUE(has(said("{" + late + "}", 5), "12 bytes before tensor b"));
    EXPECT_TRUE(has(said("{" + a + "," + a + "}", 2), "its header has a twice"));
    EXPECT_TRUE(has(said("{" + a + "," + next + "}", 3), "download or copy is not complete"));
    EXPECT_TRUE(has(said("{" + a, 2), "is not JSON from byte"));
}

TEST(HfTensors, GivesConv1DItsRowsBack) {
    // One GPT-2 layer whose fused tensor counts upwards: [in, q | k | v].
    const model::ModelConfig config = family_configs()[6].config;
    const model::Model model = family_model(config);
    const Scratch scratch("gpt2");
    ASSERT_TRUE(write_hf_folder(model, scratch.path(), {}).ok());
    const auto source = std::make_shared<FileSource>(
        FileSource::open(scratch.path() + "/model.safetensors").value());
    const auto header = read_safetensors_header(source).value();
    const StoredTensor& fused = header.at("transformer.h.1.attn.c_attn.weight");
    EXPECT_EQ(fused.shape, (std::vector<std::uint64_t>{64, 192}));
    std::vector<float> values(64 * 192);
    ASSERT_TRUE(source->read_floats(fused.offset, values).ok());
    const tensor::ConstMatrix wk = model.weights.layers[1].wk.f32();
    for (std::size_t in = 0; in < 64; ++in)
        for (std::size_t out = 0; out < 64; ++out)
            EXPECT_EQ(values[in * 192 + 64 + out], wk.data[out * 64 + in]);
}

TEST(HfTensors, NamesWhatIsMissingOrTooMuchOrMisshapen) {
    const model::ModelConfig config = family_configs()[1].config;
    const Scratch scratch("names");
    ASSERT_TRUE(write_hf_folder(family_model(config), scratch.path(), {}).ok());
    const std::vector<SharedSource> files{std::make_shared<FileSource>(
        FileSource::open(scratch.path() + "/model.safetensors").value())};
    const auto read = [&](const std::function<void(model::ModelConfig&)>& change) {
        HfConfig hf{HfFamily::kLlama, config};
        change(hf.config);
        return read_hf_tensors(hf, files);
    };
    EXPECT_TRUE(read([](model::ModelConfig&) {}).ok());
    const auto more = read([](model::ModelConfig& c) { c.layers = 3; });
    EXPECT_EQ(more.error().code, ErrorCode::kInvalid);
    EXPECT_NE(more.error().message.find("model.layers.2."), std::string::npos);
    EXPECT_EQ(read([](model::ModelConfig& c) { c.layers = 1; }).error().code,
              ErrorCode::kUnsupported);
    const auto wider = read([](model::ModelConfig& c) { c.hidden_dim = 97; });
    EXPECT_NE(wider.error().message.find("gate_proj"), std::string::npos);
}

TEST(HfFolder, OldNamesAndBareModelsAreUnderstood) {
    EXPECT_EQ(modern_hf_name("bert.embeddings.LayerNorm.gamma"),
              "bert.embeddings.LayerNorm.weight");
    EXPECT_EQ(modern_hf_name("x.LayerNorm.beta"), "x.LayerNorm.bias");
    const model::ModelConfig config = family_configs()[7].config;
    EXPECT_TRUE(is_hf_redundant(HfFamily::kBert, config, "bert.pooler.dense.weight"));
    EXPECT_TRUE(is_hf_redundant(HfFamily::kGpt2, config, "h.0.attn.bias"));
    EXPECT_FALSE(is_hf_redundant(HfFamily::kGpt2, config, "h.0.attn.c_attn.bias"));
    EXPECT_FALSE(is_hf_redundant(HfFamily::kLlama, config, "model.layers.9.mlp.up_proj.weight"));
}

class HfFolderFiles : public testing::Test {
  protected:
    void SetUp() override {
        WriteOptions options;
        options.shard_bytes = 60'000;
        ASSERT_TRUE(write_hf_folder(family_model(config_), path(), options).ok());
        ASSERT_TRUE(exists(path() + "/model.safetensors.index.json"));
    }
    std::string path() const { return folder_.path(); }
    std::string said() const {
        const auto read = read_hf_folder(path());
        return read.ok() ? "" : read.error().message;
    }
    void put(const std::string& name, std::string_view content) const {
        ASSERT_TRUE(write_file(path() + "/" + name, as_bytes(content)).ok());
    }
    void replace_in(const std::string& name, const std::string& from, const std::string& to) const {
        std::string text(as_text(read_file(path() + "/" + name, 1U << 20).value()));
        ASSERT_NE(text.find(from), text.npos);
        put(name, text.replace(text.find(from), from.size(), to));
    }
    std::string shard(const std::string& number) const {
        const auto names = list_folder(path()).value();
        const auto at = std::find_if(names.begin(), names.end(), [&](const std::string& name) {
            return name.starts_with("model-" + number);
        });
        return at == names.end() ? "" : *at;
    }
    model::ModelConfig config_ = family_configs()[1].config;
    Scratch folder_{"shards"};
};

TEST_F(HfFolderFiles, ShardsAreThoseOfTheIndexAndNoOthers) {
    EXPECT_EQ(said(), "");
    put("model-00009-of-00009.safetensors", "x");
    EXPECT_NE(said().find("is in no index"), std::string::npos);
    ASSERT_TRUE(remove_file(path() + "/model-00009-of-00009.safetensors").ok());
    replace_in("model.safetensors.index.json", "\"model.norm.weight\"", "\"model.norm.other\"");
    EXPECT_NE(said().find("model.norm.other"), std::string::npos);
    replace_in("model.safetensors.index.json", "\"model.norm.other\"", "\"model.norm.weight\"");
    EXPECT_EQ(said(), "");
    ASSERT_TRUE(remove_file(path() + "/" + shard("00001")).ok());
    EXPECT_NE(said().find("the download is not complete"), std::string::npos) << said();
}

TEST_F(HfFolderFiles, PointersPagesAndPicklesAreNamed) {
    put(shard("00002"),
        "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 123456789\n");
    EXPECT_NE(said().find("123.5 MB"), std::string::npos) << said();
    put("tokenizer.json", "<!doctype html>");
    put("config.json", "<html>");
    EXPECT_NE(said().find("config.json is a web page"), std::string::npos) << said();
}

TEST_F(HfFolderFiles, ATokenizerThatIsNoneIsSaid) {
    put("tokenizer.json", "<!doctype html>");
    const LoadedModel loaded = read_hf_folder(path()).value();
    EXPECT_NE(loaded.tokenizer_problem.find("web page"), std::string::npos);
    EXPECT_NE(find_tokenizer(loaded, path(), "").error().message.find("its own: "),
              std::string::npos);
}

TEST_F(HfFolderFiles, ATokenizerBesideDoesNotStandInForOneThatCannotBeRead) {
    LoadedModel loaded = read_hf_folder(path()).value();
    put("tokenizer.bin", as_text(loaded.model.tokenizer));
    loaded.model.tokenizer.clear();
    EXPECT_TRUE(find_tokenizer(loaded, path(), "").ok());
    loaded.tokenizer_problem = "vocabulary: of another kind";
    EXPECT_NE(find_tokenizer(loaded, path(), "").error().message.find("of another kind"),
              std::string::npos);
    EXPECT_TRUE(find_tokenizer(loaded, path(), path() + "/tokenizer.bin").ok());
}

TEST_F(HfFolderFiles, AFileThatIsNoTokenizerIsNamed) {
    put("a.tok", "once upon a time there was");
    EXPECT_NE(load_tokenizer(path() + "/a.tok").error().message.find("no tokenizer that this"),
              std::string::npos);
    put("tokenizer.model", "\n\x0e\n\x05<unk>");
    EXPECT_NE(load_tokenizer(path() + "/tokenizer.model").error().message.find("SentencePiece's"),
              std::string::npos);
}

TEST(HfFolder, ATiedHeadThatDiffersIsRefused) {
    model::ModelConfig config = family_configs()[1].config;  // with a head of its own
    const Scratch scratch("tied");
    ASSERT_TRUE(write_hf_folder(family_model(config), scratch.path(), {}).ok());
    const std::string file = scratch.path() + "/config.json";
    std::string text(as_text(read_file(file, 1U << 20).value()));
    const std::string own = "\"tie_word_embeddings\": false";
    ASSERT_NE(text.find(own), text.npos);
    text.replace(text.find(own), own.size(), "\"tie_word_embeddings\": true");
    ASSERT_TRUE(write_file(file, as_bytes(text)).ok());
    EXPECT_NE(read_hf_folder(scratch.path()).error().message.find("lm_head.weight"),
              std::string::npos);
}

TEST(HfFolder, AFolderThatIsNoModelSaysWhatItHolds) {
    const Scratch scratch("other");
    std::filesystem::create_directory(scratch.path());
    ASSERT_TRUE(write_file(scratch.path() + "/a.gguf", as_bytes("GGUF")).ok());
    EXPECT_NE(read_hf_folder(scratch.path()).error().message.find("name a.gguf"),
              std::string::npos);
    ASSERT_TRUE(remove_file(scratch.path() + "/a.gguf").ok());
    ASSERT_TRUE(write_file(scratch.path() + "/config.json", as_bytes("{" + kLlama + "}")).ok());
    EXPECT_NE(read_hf_folder(scratch.path()).error().message.find("no model.safetensors"),
              std::string::npos);
    ASSERT_TRUE(write_file(scratch.path() + "/pytorch_model.bin", as_bytes("PK")).ok());
    EXPECT_NE(read_hf_folder(scratch.path()).error().message.find("pickle"), std::string::npos);
}

TEST(HfFolder, SaysWhatIsMissing) {
    const Scratch scratch("empty");
    std::filesystem::create_directory(scratch.path());
    const auto read = read_hf_folder(scratch.path());
    EXPECT_EQ(read.error().code, ErrorCode::kNotFound);
    EXPECT_NE(read.error().message.find("config.json"), std::string::npos);
}

}  // namespace
}  // namespace cairn::formats
