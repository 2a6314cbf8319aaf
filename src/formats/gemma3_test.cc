// Proves that Gemma 3 is read as its makers' library and llama.cpp read it: which layers are local
// and how they rotate, norms that are stored as w and mean 1 + w; and that what it does not compute
// is refused by name.
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/files.h"
#include "formats/format_test_models.h"
#include "formats/gguf_keys.h"
#include "formats/gguf_model.h"
#include "formats/gguf_writer.h"
#include "formats/hf_config.h"
#include "formats/hf_folder.h"
#include "formats/hf_writer.h"

namespace cairn::formats {
namespace {

const std::string kGemma =
    R"("model_type":"gemma3_text","hidden_size":64,"intermediate_size":172,)"
    R"("num_hidden_layers":7,"num_attention_heads":4,"num_key_value_heads":1,"vocab_size":512,)"
    R"("max_position_embeddings":512,"head_dim":256)";

Result<HfConfig> parse(const std::string& more) {
    return parse_hf_config("{" + kGemma + more + "}");
}

TEST(Gemma3Config, FollowsTheDefaultsOfItsLibrary) {
    const HfConfig read = parse("").value();
    EXPECT_EQ(read.family, HfFamily::kGemma3);
    EXPECT_TRUE(model::is_gemma3(read.config));
    EXPECT_TRUE(read.config.tied_head);
    EXPECT_EQ(read.config.window, 4096U);
    EXPECT_EQ(read.config.window_period, 6U);
    EXPECT_EQ(read.config.context, 512U);
    EXPECT_EQ(read.config.rope_theta, 1e6F);
    EXPECT_EQ(read.config.local_rope_theta, 1e4F);
    EXPECT_EQ(read.config.norm_eps, 1e-6F);
    EXPECT_TRUE(read.config.is_local(4) && !read.config.is_local(5) && read.config.is_local(6));
}

TEST(Gemma3Config, ReadsEverySpellingOfLayersAndRopes) {
    EXPECT_EQ(parse(R"(,"sliding_window_pattern":3)").value().config.window_period, 3U);
    EXPECT_EQ(parse(R"(,"_sliding_window_pattern":2)").value().config.window_period, 2U);
    const std::string local = R"("sliding_attention",)";
    const std::string all = R"("full_attention")";
    const auto listed = parse(R"(,"sliding_window":40,"layer_types":[)" + local + all + "," +
                              local + all + "," + local + all + R"(,"sliding_attention"])")
                            .value()
                            .config;
    EXPECT_EQ(listed.window, 40U);
    EXPECT_EQ(listed.window_period, 2U);
    EXPECT_FALSE(parse(R"(,"layer_types":[)" + local + all + "," + all + "," + local + all + "," +
                       local + all + "]")
                     .ok());
    EXPECT_FALSE(parse(R"(,"layer_types":[)" + all + "]").ok());
    const auto old = parse(R"(,"rope_theta":5e5,"rope_local_base_freq":2e4,)"
                           R"("rope_scaling":{"rope_type":"linear","factor":8})")
                         .value()
                         .config;
    const auto modern =
        parse(R"(,"rope_parameters":{"full_attention":{"rope_type":"linear","factor":8,)"
              R"("rope_theta":5e5},"sliding_attention":{"rope_type":"default","rope_theta":2e4}})")
            .value()
            .config;
    EXPECT_EQ(old, modern);
    EXPECT_EQ(old.rope_theta, 5e5F);
    EXPECT_EQ(old.local_rope_theta, 2e4F);
    EXPECT_EQ(old.rope_scale, model::linear_rope_scale(8.0F));
}

TEST(Gemma3Config, RefusesWhatItWouldComputeDifferently) {
    for (const char* more : {R"("query_pre_attn_scalar":168)", R"("final_logit_softcapping":30.0)",
                             R"("attn_logit_softcapping":50.0)", R"("hidden_activation":"gelu")",
                             R"("attention_bias":true)", R"("use_bidirectional_attention":true)"}) {
        const auto read = parse(std::string(",") + more);
        ASSERT_FALSE(read.ok()) << more;
        EXPECT_EQ(read.error().code, ErrorCode::kUnsupported) << more;
    }
    EXPECT_EQ(parse_hf_config(R"({"model_type":"gemma2"})").error().code, ErrorCode::kUnsupported);
}

model::ModelConfig small_gemma() {
    for (const NamedConfig& named : family_configs())
        if (named.name == "gemma3") return named.config;
    CHECK(false);
}

// Half of a file's norms would be lost here: 1 + w in GGUF, w in a folder.
TEST(Gemma3Files, NormsAreStoredAsOthersHaveThem) {
    const model::Model model = family_model(small_gemma());
    const float gamma = model::floats(model.weights.layers[1].ffn_post_norm)[5];
    const Scratch gguf("gemma.gguf");
    ASSERT_TRUE(write_gguf(model, gguf.path(), {}).ok());
    const Bytes file = read_file(gguf.path(), 1U << 24).value();
    const GgufHeader header = read_gguf_header(std::make_shared<MemorySource>(file)).value();
    float stored = 0.0F;
    std::memcpy(&stored, file.data() + header.tensors.at("blk.1.post_ffw_norm.weight").offset + 20,
                4);
    EXPECT_EQ(stored, gamma);
    EXPECT_EQ(header.number("gemma3.attention.sliding_window").value(), 9U);

    const Scratch folder("gemma");
    ASSERT_TRUE(write_hf_folder(model, folder.path(), {}).ok());
    const Bytes tensors = read_file(folder.path() + "/model.safetensors", 1U << 24).value();
    const std::string name = "model.layers.1.post_feedforward_layernorm.weight";
    EXPECT_NE(std::search(tensors.begin(), tensors.end(), name.begin(), name.end()), tensors.end());
    const float without = gamma - 1.0F;
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(&without);
    EXPECT_NE(std::search(tensors.begin(), tensors.end(), bytes, bytes + 4), tensors.end());
}

// The header of a file that says `change` besides what a Gemma 3 says.
std::string refusal(const std::function<void(GgufKeys&)>& change, std::uint32_t layers = 2) {
    GgufKeys keys;
    keys.text("general.architecture", "gemma3");
    for (const auto& [key, value] : {std::pair{"embedding_length", 64U},
                                     {"block_count", layers},
                                     {"context_length", 64U},
                                     {"feed_forward_length", 96U},
                                     {"attention.head_count", 4U},
                                     {"attention.head_count_kv", 2U},
                                     {"attention.key_length", 32U}})
        keys.number(std::string("gemma3.") + key, value);
    change(keys);
    Writer writer;
    writer.raw(as_bytes(kGgufMagic));
    writer.u32(3);
    writer.u64(1);
    writer.u64(keys.count());
    writer.raw(keys.out());
    const std::string name = "token_embd.weight";
    writer.u64(name.size());
    writer.raw(as_bytes(name));
    writer.u32(2);
    writer.u64(64);
    writer.u64(8);
    writer.u32(0);
    writer.u64(0);
    writer.raw(Bytes((writer.out().size() + 31) / 32 * 32 - writer.out().size()));
    writer.raw(Bytes(4 * 64 * 8));
    const auto header = read_gguf_header(std::make_shared<MemorySource>(writer.out()));
    CHECK(header.ok());
    const auto config = gguf_config(*header);
    return config.ok() ? "" : config.error().message;
}

TEST(Gemma3Files, RefusesWhatItWouldComputeDifferently) {
    EXPECT_EQ(refusal([](GgufKeys&) {}), "");
    EXPECT_NE(refusal([](GgufKeys& keys) {
                  keys.real("gemma3.final_logit_softcapping", 30.0F);
              }).find("final_logit_softcapping"),
              std::string::npos);
    EXPECT_NE(refusal([](GgufKeys&) {}, 62).find("27B"), std::string::npos);
    EXPECT_NE(refusal([](GgufKeys& keys) {
                  keys.number("gemma3.attention.sliding_window", 9);
                  keys.number("gemma3.attention.sliding_window_pattern", 1);
              }).find("window_period"),
              std::string::npos);
}

}  // namespace
}  // namespace cairn::formats
