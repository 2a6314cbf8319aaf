// Proves that GGUF files are read as llama.cpp means them, that stories260K from GGUF writes the
// text that others write, and that hostile headers are refused before anything is taken from them.
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <limits>

#include "base/files.h"
#include "base/foreign_file.h"
#include "base/test_data.h"
#include "formats/format_test_models.h"
#include "formats/gguf_keys.h"
#include "formats/gguf_model.h"
#include "formats/gguf_names.h"
#include "formats/gguf_writer.h"
#include "formats/load.h"
#include "formats/mapped_source.h"
#include "infer/generate.h"

namespace cairn::formats {
namespace {

SharedSource memory(ByteView bytes) { return std::make_shared<MemorySource>(bytes); }

// A header with some keys and one F32 tensor of two rows of four.
struct Tiny {
    std::uint32_t version = 3;
    std::uint64_t tensors = 1;
    std::uint64_t keys_more = 0;
    GgufKeys keys{};
    std::string name = "t";
    std::vector<std::uint64_t> extents{4, 2};
    std::uint32_t type = 0;
    std::uint64_t offset = 0;
    std::size_t data = 32;

    Bytes file() const {
        Writer writer;
        writer.raw(as_bytes("GGUF"));
        writer.u32(version);
        writer.u64(tensors);
        writer.u64(keys.count() + keys_more);
        writer.raw(keys.out());
        writer.u64(name.size());
        writer.raw(as_bytes(name));
        writer.u32(static_cast<std::uint32_t>(extents.size()));
        for (const std::uint64_t extent : extents) writer.u64(extent);
        writer.u32(type);
        writer.u64(offset);
        while (writer.out().size() % 32 != 0) writer.u8(0);
        writer.raw(Bytes(data));
        return std::move(writer).take();
    }
    Status status() const {
        const Bytes bytes = file();
        const auto header = read_gguf_header(memory(bytes));
        if (!header.ok()) return header.error();
        return ok_status();
    }
    bool ok() const { return status().ok(); }
};

TEST(GgufHeader, ReadsBothVersionsAndEveryTypeOfKey) {
    for (const std::uint32_t version : {2U, 3U}) {
        Tiny tiny;
        tiny.version = version;
        tiny.keys.number("n", 7);
        tiny.keys.real("r", 0.5F);
        tiny.keys.flag("f", true);
        tiny.keys.text("t", "text");
        const std::vector<std::string> texts{"a", "", "bc"};
        tiny.keys.texts("ts", texts);
        const std::vector<std::int32_t> integers{3, 3};
        tiny.keys.integers("is", integers);
        const Bytes bytes = tiny.file();
        const GgufHeader header = read_gguf_header(memory(bytes)).value();
        EXPECT_EQ(header.number("n").value(), 7U);
        EXPECT_EQ(header.number("is").value(), 3U);
        EXPECT_EQ(header.number("absent", 9).value(), 9U);
        EXPECT_FALSE(header.number("absent").ok());
        EXPECT_FALSE(header.number("t").ok());
        EXPECT_EQ(header.real("r", 0).value(), 0.5F);
        EXPECT_TRUE(header.flag("f", false).value());
        EXPECT_EQ(header.text("t", "").value(), "text");
        EXPECT_EQ(header.texts("ts", 3, 2).value(), texts);
        EXPECT_FALSE(header.texts("ts", 2, 2).ok());
        EXPECT_FALSE(header.texts("ts", 3, 1).ok());
        const StoredTensor& tensor = header.tensors.at("t");
        EXPECT_EQ(tensor.shape, (std::vector<std::uint64_t>{2, 4}));
        EXPECT_EQ(tensor.bytes, 32U);
        EXPECT_EQ(tensor.offset, bytes.size() - 32);
    }
}

TEST(GgufHeader, RefusesCountsLengthsAndExtentsThatLie) {
    constexpr std::uint64_t kHuge = std::numeric_limits<std::uint64_t>::max();
    EXPECT_TRUE(Tiny{}.ok());
    EXPECT_EQ((Tiny{.version = 1}).status().error().code, ErrorCode::kUnsupported);
    EXPECT_EQ((Tiny{.version = 0x03000000}).status().error().code, ErrorCode::kUnsupported);
    for (const std::uint64_t count : {std::uint64_t{2}, std::uint64_t{1} << 16, kHuge})
        EXPECT_FALSE((Tiny{.tensors = count}).ok()) << count;
    for (const std::uint64_t count : {std::uint64_t{1}, std::uint64_t{1} << 16, kHuge})
        EXPECT_FALSE((Tiny{.keys_more = count}).ok()) << count;
    EXPECT_FALSE((Tiny{.extents = {}}).ok());
    EXPECT_FALSE((Tiny{.extents = {1, 1, 1, 1, 1}}).ok());
    EXPECT_FALSE((Tiny{.extents = {0, 2}}).ok());
    EXPECT_FALSE((Tiny{.extents = {4, 3}}).ok());  // one row past the end
    EXPECT_FALSE((Tiny{.extents = {kHuge, kHuge}}).ok());
    EXPECT_FALSE((Tiny{.extents = {1ULL << 33, 1ULL << 33}}).ok());  // wraps to nothing
    EXPECT_FALSE((Tiny{.type = 8}).ok());                            // Q8_0 rows of four
    EXPECT_FALSE((Tiny{.offset = 1}).ok());
    EXPECT_FALSE((Tiny{.offset = 32}).ok());
    EXPECT_FALSE((Tiny{.offset = kHuge - 31}).ok());
    EXPECT_FALSE((Tiny{.data = 31}).ok());
    EXPECT_FALSE((Tiny{.name = std::string(kMaxGgufName + 1, 'x')}).ok());
}

TEST(GgufHeader, RefusesBadKeys) {
    const auto with = [](std::uint32_t type, const std::function<void(Writer&)>& value) {
        Writer writer;
        writer.raw(as_bytes("GGUF"));
        writer.u32(3);
        writer.u64(0);
        writer.u64(1);
        writer.u64(1);
        writer.raw(as_bytes("k"));
        writer.u32(type);
        value(writer);
        const Bytes bytes = std::move(writer).take();
        return read_gguf_header(memory(bytes)).ok();
    };
    const auto array = [](std::uint32_t element, std::uint64_t count, std::size_t bytes) {
        return [=](Writer& writer) {
            writer.u32(element);
            writer.u64(count);
            writer.raw(Bytes(bytes));
        };
    };
    EXPECT_TRUE(with(4, [](Writer& w) { w.u32(1); }));
    EXPECT_FALSE(with(4, [](Writer& w) { w.u16(1); }));
    EXPECT_FALSE(with(13, [](Writer& w) { w.u64(1); }));
    EXPECT_FALSE(with(8, [](Writer& w) { w.u64(1ULL << 63); }));
    EXPECT_TRUE(with(9, array(4, 2, 8)));
    EXPECT_FALSE(with(9, array(4, 3, 8)));
    EXPECT_FALSE(with(9, array(4, 1ULL << 62, 8)));
    EXPECT_TRUE(with(9, array(8, 2, 16)));  // two empty texts
    EXPECT_FALSE(with(9, array(8, 3, 16)));
    EXPECT_FALSE(with(9, array(9, 1, 64)));  // an array of arrays
    EXPECT_FALSE(with(9, array(13, 1, 64)));
    Tiny twice;
    twice.keys.number("k", 1);
    twice.keys.number("k", 1);
    EXPECT_FALSE(twice.ok());
    for (const std::uint32_t alignment : {0U, 24U, 1U << 17}) {
        Tiny tiny;
        tiny.keys.number("general.alignment", alignment);
        EXPECT_FALSE(tiny.ok()) << alignment;
    }
}

TEST(GgufHeader, RefusesTensorsThatOverlap) {
    Writer writer;
    writer.raw(as_bytes("GGUF"));
    writer.u32(3);
    writer.u64(2);
    writer.u64(0);
    for (const char* name : {"a", "b"}) {
        writer.u64(1);
        writer.raw(as_bytes(name));
        writer.u32(1);
        writer.u64(8);
        writer.u32(0);
        writer.u64(0);
    }
    writer.raw(Bytes(256));
    const auto header = read_gguf_header(memory(writer.out()));
    ASSERT_FALSE(header.ok());
    EXPECT_NE(header.error().message.find("overlap"), std::string::npos);
}

TEST(GgufHeader, EveryByteOfItsDataBelongsToATensor) {
    const auto said = [](const Bytes& bytes) {
        const Status status = [&]() -> Status {
            RETURN_IF_ERROR(read_gguf_header(memory(bytes)));
            return ok_status();
        }();
        return status.ok() ? std::string() : status.error().message;
    };
    Bytes bytes = Tiny{.extents = {4, 3}, .data = 48}.file();
    EXPECT_EQ(said(bytes), "") << "the last one's padding may be missing";
    bytes.resize(bytes.size() + 16);
    EXPECT_EQ(said(bytes), "") << "or there";
    bytes.back() = 1;
    EXPECT_NE(said(bytes).find("padding at its end is not zeros"), std::string::npos);
    bytes.resize(bytes.size() + 7);
    EXPECT_NE(said(bytes).find("23 bytes at its end belong to no tensor"), std::string::npos);
    Bytes gap = Tiny{.offset = 32, .data = 64}.file();
    EXPECT_NE(said(gap).find("before tensor t belong to no tensor"), std::string::npos);
    Bytes header = Tiny{}.file();
    header[header.size() - 33] = 1;  // between header and data
    EXPECT_NE(said(header).find("padding before tensor t is not zeros"), std::string::npos);
}

TEST(GgufHeader, HalfADownloadIsCalledThat) {
    const Bytes bytes = Tiny{}.file();
    const auto said = [&](std::size_t size) {
        return read_gguf_header(memory(ByteView(bytes).first(size))).error().message;
    };
    EXPECT_NE(said(bytes.size() - 1).find(incomplete(bytes.size() - 1, bytes.size())),
              std::string::npos);
    EXPECT_NE(said(30).find("beyond the 30 bytes that are here"), std::string::npos);
    EXPECT_NE(said(60).find("beyond the 60 bytes that are here"), std::string::npos);
}

TEST(Gguf, OnePartOfSeveralIsNamed) {
    Tiny tiny;
    tiny.keys.text("general.architecture", "llama");
    tiny.keys.number("split.count", 3);
    const Bytes bytes = tiny.file();
    EXPECT_NE(read_gguf(memory(bytes)).error().message.find("one part of 3"), std::string::npos);
}

// A model's file in memory.
Bytes gguf_bytes(const model::Model& model) {
    const Scratch scratch("bytes.gguf");
    CHECK(write_gguf(model, scratch.path(), {}).ok());
    return read_file(scratch.path(), 1U << 26).value();
}

TEST(Gguf, EveryShorterFileIsRefused) {
    const Bytes bytes = gguf_bytes(family_model(family_configs()[0].config));
    ASSERT_TRUE(read_gguf(memory(bytes)).ok());
    for (std::size_t size = 0; size + 32 < bytes.size(); size += size < 400 ? 1 : 4999)
        EXPECT_FALSE(read_gguf(memory(ByteView(bytes).first(size))).ok()) << size;
}

TEST(Gguf, NumbersThatAreNoneAreRefusedByName) {
    for (const auto type :
         {tensor::WeightType::kF32, tensor::WeightType::kF16, tensor::WeightType::kBf16,
          tensor::WeightType::kQ8_0, tensor::WeightType::kQ4_0, tensor::WeightType::kQ4_1,
          tensor::WeightType::kQ5_0, tensor::WeightType::kQ5_1}) {
        const model::Model model = family_model(family_configs()[0].config, false);
        WriteOptions options;
        options.type = type;
        const Scratch scratch("nan.gguf");
        ASSERT_TRUE(write_gguf(model, scratch.path(), options).ok());
        Bytes bytes = read_file(scratch.path(), 1U << 24).value();
        const GgufHeader header = read_gguf_header(memory(bytes)).value();
        const StoredTensor& tensor = header.tensors.at("blk.1.ffn_up.weight");
        const std::size_t row = tensor.bytes / tensor.shape[0];
        std::uint8_t* scale = bytes.data() + tensor.offset + 3 * row;
        std::fill_n(scale, type == tensor::WeightType::kF32 ? 4 : 2, std::uint8_t{0xFF});
        const auto loaded = read_gguf(memory(bytes));
        ASSERT_FALSE(loaded.ok()) << tensor::weight_type_name(type);
        EXPECT_NE(loaded.error().message.find("layers.1.w_up"), std::string::npos);
        EXPECT_NE(loaded.error().message.find("row 3"), std::string::npos);
    }
}

TEST(Gguf, WeightsOfAMappedFileAreUsedInPlace) {
    const model::Model model = family_model(family_configs()[0].config);
    const Scratch scratch("mapped.gguf");
    ASSERT_TRUE(write_gguf(model, scratch.path(), {}).ok());
    const SharedSource source = open_source(scratch.path()).value();
    const model::Model loaded = read_gguf(source).value().model;
    const auto* data = static_cast<const std::uint8_t*>(loaded.weights.layers[0].wq.data);
    EXPECT_GE(data, source->mapped());
    EXPECT_LT(data, source->mapped() + source->size());
}

TEST(Gguf, SaysWhichArchitectureItLacks) {
    Tiny tiny;
    tiny.keys.text("general.architecture", "mamba");
    const Bytes bytes = tiny.file();
    const auto loaded = read_gguf(memory(bytes));
    EXPECT_EQ(loaded.error().code, ErrorCode::kUnsupported);
    EXPECT_NE(loaded.error().message.find("mamba"), std::string::npos);
}

TEST(Gguf, NumbersOutOfRangeAreRefusedByTheirKey) {
    constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
    const std::map<std::string, std::uint32_t> sound = {{"context_length", 4096},
                                                        {"embedding_length", 4},
                                                        {"block_count", 1},
                                                        {"feed_forward_length", 4},
                                                        {"attention.head_count", 2}};
    const auto said = [&](const std::string& name, const auto& value) {
        Tiny tiny;
        tiny.name = "token_embd.weight";
        tiny.keys.text("general.architecture", "llama");
        for (const auto& [key, number] : sound)
            if (key != name) tiny.keys.number("llama." + key, number);
        if constexpr (std::is_same_v<std::decay_t<decltype(value)>, float>)
            tiny.keys.real("llama." + name, value);
        else
            tiny.keys.number("llama." + name, static_cast<std::uint32_t>(value));
        const Bytes bytes = tiny.file();
        const auto config = gguf_config(read_gguf_header(memory(bytes)).value());
        return config.ok() ? std::string() : config.error().message;
    };
    EXPECT_EQ(said("attention.head_count", 1), "");
    for (const auto& [key, number] : sound)
        for (const std::uint32_t bad : {0U, 0xFFFFFFFFU})
            EXPECT_NE(said(key, bad).find("llama." + key), std::string::npos) << key;
    EXPECT_NE(said("attention.head_count", 3).find("llama.attention.head_count"),
              std::string::npos);
    EXPECT_NE(said("attention.head_count_kv", 0).find("llama.attention.head_count_kv"),
              std::string::npos);
    EXPECT_NE(said("attention.head_count_kv", 3).find("llama.attention.head_count_kv"),
              std::string::npos);
    for (const char* key :
         {"rope.freq_base", "attention.layer_norm_rms_epsilon", "rope.scaling.factor"})
        for (const float bad : {kNan, -1.0F, std::numeric_limits<float>::infinity()})
            EXPECT_NE(said(key, bad).find("llama." + std::string(key)), std::string::npos) << key;
    EXPECT_NE(said("rope.freq_base", 0.0F).find("llama.rope.freq_base"), std::string::npos);
    EXPECT_EQ(said("rope.scaling.factor", 0.0F), "") << "llama.cpp's word for none";
}

TEST(Gguf, AVocabularyOfAnotherSizeThanItsRowsIsRefused) {
    const Bytes bytes = gguf_bytes(family_model(family_configs()[0].config));
    const GgufHeader header = read_gguf_header(memory(bytes)).value();
    const std::string name = "tokenizer.ggml.tokens";
    auto at = std::search(bytes.begin(), bytes.end(), name.begin(), name.end());
    ASSERT_NE(at, bytes.end());
    // Behind the name: u32 array, u32 of strings, u64 count, u64 length of the first.
    Bytes fewer = bytes;
    const auto count = static_cast<std::size_t>(at - bytes.begin()) + name.size() + 8;
    fewer[count] = static_cast<std::uint8_t>(fewer[count] - 1);
    EXPECT_FALSE(read_gguf(memory(fewer)).ok());
    EXPECT_EQ(header.texts(name, 1000, 100).value().size(), 270U);
}

// The keys in the words of the format's description: what a file of ours says is read back by
// the same table of names, so that alone would not notice a wrong one.
TEST(Gguf, ReadsRopeScalingAsOthersWriteIt) {
    const auto scale = [](const std::function<void(GgufKeys&)>& more) {
        Tiny tiny;
        tiny.name = "token_embd.weight";
        tiny.keys.text("general.architecture", "llama");
        tiny.keys.number("llama.context_length", 4096);
        tiny.keys.number("llama.embedding_length", 4);
        tiny.keys.number("llama.block_count", 1);
        tiny.keys.number("llama.feed_forward_length", 4);
        tiny.keys.number("llama.attention.head_count", 1);
        tiny.keys.real("llama.attention.layer_norm_rms_epsilon", 1e-6F);
        tiny.keys.real("llama.rope.freq_base", 5e5F);
        more(tiny.keys);
        const Bytes bytes = tiny.file();
        const auto config = gguf_config(read_gguf_header(memory(bytes)).value());
        EXPECT_TRUE(config.ok()) << config.error().message;
        EXPECT_EQ(config->rope_theta, 5e5F);
        EXPECT_EQ(config->norm_eps, 1e-6F);
        return config->rope_scale;
    };
    EXPECT_EQ(scale([](GgufKeys&) {}), model::RopeScale{});
    EXPECT_EQ(scale([](GgufKeys& keys) { keys.text("llama.rope.scaling.type", "none"); }),
              model::RopeScale{});
    EXPECT_EQ(scale([](GgufKeys& keys) {
                  keys.text("llama.rope.scaling.type", "linear");
                  keys.real("llama.rope.scaling.factor", 4.0F);
              }),
              model::linear_rope_scale(4.0F));
    EXPECT_EQ(scale([](GgufKeys& keys) { keys.real("llama.rope.scale_linear", 2.0F); }),
              model::linear_rope_scale(2.0F));
    EXPECT_EQ(scale([](GgufKeys& keys) {
                  keys.text("llama.rope.scaling.type", "yarn");
                  keys.real("llama.rope.scaling.factor", 4.0F);
                  keys.number("llama.rope.scaling.original_context_length", 1024);
                  keys.real("llama.rope.scaling.yarn_beta_fast", 16.0F);
                  keys.real("llama.rope.scaling.yarn_beta_slow", 2.0F);
              }),
              model::yarn_rope_scale(4.0F, 1024, 16.0F, 2.0F));
}

TEST(Gguf, RopeFactorsAreTheLlama3ScalingOrRefused) {
    model::ModelConfig config = family_configs()[2].config;
    std::vector<float> factors = model::rope_factors(config);
    EXPECT_EQ(model::rope_scale_of_factors(config, factors).value(), config.rope_scale);
    factors[3] *= 1.01F;
    EXPECT_EQ(model::rope_scale_of_factors(config, factors).error().code, ErrorCode::kUnsupported);
    EXPECT_FALSE(model::rope_scale_of_factors(config, std::vector<float>(3, 1.0F)).ok());
    EXPECT_EQ(model::rope_scale_of_factors(config, std::vector<float>(8, 1.0F)).value(),
              model::RopeScale{});
    const float nan = std::numeric_limits<float>::quiet_NaN();
    EXPECT_FALSE(model::rope_scale_of_factors(config, std::vector<float>(8, nan)).ok());
}

TEST(Gguf, NoTwoPiecesAreSpelledAlike) {
    text::VocabularyParts parts;
    parts.model = "gpt2";
    parts.pieces = {"a", "b", "a", ""};
    const text::VocabularyParts fixed = gguf_parts(parts, 6);
    ASSERT_EQ(fixed.pieces.size(), 6U);
    ASSERT_EQ(fixed.types.size(), 6U);
    EXPECT_EQ(fixed.pieces[0], "a");
    for (std::size_t i = 0; i < 6; ++i)
        for (std::size_t j = 0; j < i; ++j) EXPECT_NE(fixed.pieces[i], fixed.pieces[j]);
}

class StoriesGguf : public testing::Test {
  protected:
    void SetUp() override {
        folder_ = test_data_folder() + "/stories260K/";
        if (!std::filesystem::exists(path())) GTEST_SKIP() << "no stories260K: set CAIRN_TEST_DATA";
    }
    std::string path() const { return folder_ + "stories260K-f32.gguf"; }
    std::string folder_;
};

TEST_F(StoriesGguf, WritesTheTextThatOthersWrite) {
    const LoadedModel loaded = load_any(path()).value();
    EXPECT_EQ(loaded.format, "gguf");
    EXPECT_EQ(loaded.tokenizer_problem, "");
    const auto tokenizer = find_tokenizer(loaded, path(), "").value();
    const Bytes expected = read_file(folder_ + "greedy.txt", 1U << 16).value();
    const model::ModelConfig& config = loaded.model.config;
    const model::Machine machine(tensor::available_kernel_sets().back(), 2);
    model::Transformer transformer(config, loaded.model.weights, model::all_layers(config),
                                   machine.compute, {});
    model::KvCache cache(config, model::all_layers(config), 256);
    infer::LocalLayers layers(transformer, cache);
    const text::Tokens prompt{tokenizer->begin_token()};
    const auto result =
        infer::generate(machine.compute, transformer, layers, prompt, {.max_tokens = 200}, {}, {});
    EXPECT_EQ(tokenizer->decode(result.value().tokens), as_text(expected));
}

TEST_F(StoriesGguf, HoldsTheWeightsOfTheOriginal) {
    const model::Model gguf = load_any(path()).value().model;
    const model::Model original = load_any(folder_ + "stories260K.bin").value().model;
    const model::ParameterLayout layout = original.layout();
    for (const model::TensorInfo& info : layout.tensors()) {
        const auto& theirs = model::tensor_at(gguf.weights, info.kind, info.layer);
        const auto& ours = model::tensor_at(original.weights, info.kind, info.layer);
        ASSERT_EQ(theirs.canonical_bytes(), ours.canonical_bytes()) << info.name;
        EXPECT_EQ(std::memcmp(theirs.data, ours.data, ours.canonical_bytes()), 0) << info.name;
    }
    // Who converted it wrote the tied head a second time.
    EXPECT_FALSE(gguf.config.tied_head);
}

TEST(GgufVocabularies, OfOtherProgramsAreRead) {
    for (const char* name : {"gpt-2", "llama-spm"}) {
        const std::string path = test_data_folder() + "/tokenizers/ggml-vocab-" + name + ".gguf";
        if (!std::filesystem::exists(path)) GTEST_SKIP() << "no tokenizers: set CAIRN_TEST_DATA";
        const GgufHeader header = read_gguf_header(open_source(path).value()).value();
        const text::VocabularyParts parts = gguf_vocabulary(header).value();
        EXPECT_GT(parts.pieces.size(), 30000U);
        EXPECT_TRUE(text::make_tokenizer(parts).ok());
        // A vocabulary alone is no model, and the error says so.
        const auto loaded = load_any(path);
        ASSERT_FALSE(loaded.ok());
        EXPECT_NE(loaded.error().message.find("vocabulary alone"), std::string::npos)
            << loaded.error().message;
    }
}

}  // namespace
}  // namespace cairn::formats
