// Proves that a BART in a Hugging Face folder is read as transformers means it (logits and greedy
// texts that transformers 5.24 computed in float64 of the same weights, which a formula gives),
// under every name of its embedding, and that what is not one is refused in words.
#include "formats/hf_encoder_decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "formats/format_test_models.h"
#include "formats/hf_folder.h"
#include "formats/load.h"
#include "formats/save.h"
#include "formats/test_bart.h"
#include "formats/writes_text.h"
#include "infer/generate.h"
#include "model/encoder_decoder.h"

namespace cairn::formats {
namespace {

using testing::HasSubstr;

constexpr std::size_t kVocab = kBartVocab;

nlohmann::json config() { return nlohmann::json::parse(bart_config()); }

Result<HfEncoderDecoder> read(const nlohmann::json& described, const Bytes& file) {
    ASSIGN_OR_RETURN(const HfConfig hf, parse_hf_config(described.dump()));
    const std::vector<SharedSource> files{std::make_shared<MemorySource>(file)};
    ASSIGN_OR_RETURN(auto found, stored_hf_tensors(files));
    return read_hf_encoder_decoder(hf, std::move(found));
}

using Floats = std::vector<float>;

// An encoder-decoder with the text that both oracle runs read.
class Runner {
  public:
    explicit Runner(const HfEncoderDecoder& halves)
        : encoder_(halves.encoder.config, halves.encoder.weights, machine_.compute),
          decoder_(halves.decoder.config, halves.decoder.weights,
                   model::all_layers(halves.decoder.config), machine_.compute),
          source_(model::read_source(encoder_, decoder_,
                                     std::vector<std::uint32_t>{0, 5, 9, 3, 7, 7, 2},
                                     model::KvType::kF32)
                      .value()),
          cache_(decoder_.config(), decoder_.range(), 12),
          layers_(decoder_, cache_, tensor::StateType::kF32, &source_) {}

    /// After the first and the last of 2, 0, 10, 4, 6.
    std::pair<Floats, Floats> logits() {
        const std::vector<std::uint32_t> tokens{2, 0, 10, 4, 6};
        Floats states(tokens.size() * kDim), all(tokens.size() * kVocab);
        decoder_.embed(tokens, 0, states);
        EXPECT_TRUE(layers_.forward(states).ok());
        decoder_.head(states, all);
        return {Floats(all.begin(), all.begin() + kVocab), Floats(all.end() - kVocab, all.end())};
    }
    text::Tokens greedy(const text::Tokens& begins) {
        cache_.truncate(0);
        return infer::generate(machine_.compute, decoder_, layers_, begins,
                               {.max_tokens = 12 - begins.size()},
                               [](std::uint32_t token) { return token == 2; }, {})
            .value()
            .tokens;
    }

  private:
    model::Machine machine_{tensor::available_kernel_sets().back(), 1};
    model::Encoder encoder_;
    model::Transformer decoder_;
    model::KvCache source_;
    model::KvCache cache_;
    infer::LocalLayers layers_;
};

void expect_near(const Floats& found, const Floats& expected) {
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-5F) << i;
}

TEST(HfEncoderDecoder, ComputesWhatTransformersComputes) {
    const HfEncoderDecoder halves = read(config(), safetensors_of(bart_tensors())).value();
    EXPECT_FALSE(halves.decoder.config.head_bias);
    Runner runner(halves);
    const auto [first, last] = runner.logits();
    expect_near(first, {-2.319999F, 3.013414F, -0.70289F, -2.467121F, -2.837359F, -3.557888F,
                        -0.126994F, -1.299328F, -2.903718F, -0.344108F, 2.361502F});
    expect_near(last, {1.623489F, -1.069703F, -0.510946F, 2.358485F, 0.062487F, 3.669474F,
                       1.635965F, 1.384753F, -1.50579F, -2.230103F, -2.496927F});
    EXPECT_EQ(runner.greedy({2}), (text::Tokens{1, 1, 1, 10, 1, 1, 1, 1, 1, 1, 1}));
}

TEST(HfEncoderDecoder, ScalesEmbeddingsAndAddsTheHeadsBias) {
    nlohmann::json scaled = config();
    scaled["scale_embedding"] = true;
    const HfEncoderDecoder halves = read(scaled, safetensors_of(bart_tensors(), 0.5F)).value();
    EXPECT_TRUE(halves.decoder.config.head_bias && halves.encoder.config.scaled_embedding);
    Runner runner(halves);
    const auto [first, last] = runner.logits();
    expect_near(first, {-1.927352F, 4.203118F, 0.999324F, -1.351386F, -2.433657F, -2.480574F,
                        0.238768F, -0.33549F, -3.562157F, -0.587771F, 1.622638F});
    expect_near(last, {2.813314F, -1.29222F, 0.111345F, 2.667177F, 0.585206F, 4.599704F, 1.565814F,
                       1.674243F, -1.222593F, -2.23575F, -3.566819F});
    EXPECT_EQ(runner.greedy({2, 0}), (text::Tokens{0, 0, 0, 5, 5, 5, 5, 5, 5, 5}));
}

TEST(HfEncoderDecoder, TheEmbeddingMayHaveAnyOfItsNames) {
    const Floats expected =
        Runner(read(config(), safetensors_of(bart_tensors())).value()).logits().second;
    for (const char* name : {"model.encoder.embed_tokens.weight",
                             "model.decoder.embed_tokens.weight", "lm_head.weight"}) {
        std::vector<StoredValues> all = bart_tensors();
        all[0].tensor.name = name;
        EXPECT_EQ(Runner(read(config(), safetensors_of(all)).value()).logits().second, expected);
        // Beside the usual one it must be the same.
        all.push_back({bart_names()[0], "model.shared.weight"});
        EXPECT_TRUE(read(config(), safetensors_of(all)).ok()) << name;
        all.back().from = "another";
        EXPECT_THAT(read(config(), safetensors_of(all)).error().message,
                    HasSubstr("one embedding"));
    }
    // Saved without its head: no prefix, and no bias.
    std::vector<StoredValues> bare = bart_tensors();
    bare.erase(bare.begin() + 1);
    for (auto& [tensor, from] : bare) tensor.name = tensor.name.substr(6);
    EXPECT_EQ(Runner(read(config(), safetensors_of(bare)).value()).logits().second, expected);
}

TEST(HfEncoderDecoder, NamesWhatIsMissingTooMuchOrMisshapen) {
    const auto said = [](const auto& change) {
        std::vector<StoredValues> all = bart_tensors();
        change(all);
        const auto halves = read(config(), safetensors_of(all));
        return halves.ok() ? std::string() : halves.error().message;
    };
    EXPECT_EQ(said([](auto&) {}), "");
    EXPECT_THAT(said([](auto& all) { all.erase(all.begin()); }), HasSubstr("shared.weight"));
    EXPECT_THAT(said([](auto& all) { all.pop_back(); }),
                HasSubstr("model.decoder.layers.1.final_layer_norm.bias is missing"));
    EXPECT_THAT(said([](auto& all) {
                    all[1].tensor.shape = {1, 12};
                }),
                HasSubstr("final_logits_bias"));
    EXPECT_THAT(said([](auto& all) {
                    all[2].tensor.shape = {12, kDim};
                }),
                HasSubstr("model.encoder.embed_positions.weight is [12, 8]"));
    EXPECT_THAT(said([](auto& all) {
                    all.push_back({{"classification_head.dense.weight", {2, 2}}, "x"});
                }),
                HasSubstr("classification_head.dense.weight belongs to"));
    EXPECT_THAT(said([](auto& all) {
                    all.push_back({{"model.encoder.layer_norm.weight", {kDim}}, "x"});
                }),
                HasSubstr("model.encoder.layer_norm.weight belongs to"));
}

TEST(HfEncoderDecoder, RefusesConfigurationsInWords) {
    const auto said = [](const char* key, const nlohmann::json& value) {
        nlohmann::json object = config();
        object[key] = value;
        const auto parsed = parse_hf_config(object.dump());
        return parsed.ok() ? std::string() : parsed.error().message;
    };
    for (const char* key : {"normalize_before", "add_final_layer_norm", "add_bias_logits",
                            "static_position_embeddings", "is_decoder"})
        EXPECT_THAT(said(key, true), HasSubstr(key));
    for (const char* key : {"normalize_embedding", "is_encoder_decoder", "tie_word_embeddings"})
        EXPECT_THAT(said(key, false), HasSubstr(key));
    // transformers scales by this, and an answer without it would be another model's.
    for (const nlohmann::json& value : {nlohmann::json(1), nlohmann::json("true")})
        for (const char* key :
             {"scale_embedding", "tie_word_embeddings", "force_bos_token_to_be_generated"})
            EXPECT_EQ(said(key, value),
                      fmt::format("config.json: {} is neither true nor false", key));
    EXPECT_EQ(said("scale_embedding", nlohmann::json()), "");
    EXPECT_THAT(said("activation_function", "silu"), HasSubstr("activation_function"));
    EXPECT_THAT(said("encoder_layers", 0), HasSubstr("encoder_layers"));
    EXPECT_THAT(said("decoder_ffn_dim", nlohmann::json()), HasSubstr("decoder_ffn_dim"));
    EXPECT_THAT(said("encoder_attention_heads", 3), HasSubstr("heads"));
    EXPECT_THAT(said("model_type", "mbart"), HasSubstr("mbart"));
}

TEST(HfEncoderDecoder, TextsBeginAsTransformersBeginsThem) {
    const auto begins = [](const std::string& more, const std::string& generation) {
        const auto tokens = first_decoder_tokens("{" + more + "}", generation, 11);
        return tokens.ok() ? *tokens : text::Tokens{99};
    };
    using Tokens = text::Tokens;
    EXPECT_EQ(begins("", ""), Tokens{2});
    EXPECT_EQ(begins(R"("decoder_start_token_id":5,"forced_bos_token_id":0)", ""), (Tokens{5, 0}));
    EXPECT_EQ(begins(R"("decoder_start_token_id":5,"forced_bos_token_id":0)",
                     R"({"decoder_start_token_id":6})"),
              Tokens{6});
    EXPECT_EQ(begins(R"("decoder_start_token_id":5)", R"({"forced_bos_token_id":3})"),
              (Tokens{5, 3}));
    EXPECT_EQ(begins(R"("force_bos_token_to_be_generated":true,"bos_token_id":4)", ""),
              (Tokens{2, 4}));
    EXPECT_EQ(begins(R"("decoder_start_token_id":11)", ""), Tokens{99});
    EXPECT_EQ(begins(R"("decoder_start_token_id":-1)", ""), Tokens{99});
}

// Everybody who reads models meets such folders; only those who ask get one.
TEST(HfEncoderDecoder, IsForThoseWhoTakeEncoderDecoders) {
    const Scratch scratch("bart");
    ASSERT_TRUE(make_folders(scratch.path()).ok());
    ASSERT_TRUE(write_file(scratch.path() + "/config.json", as_bytes(bart_config())).ok());
    ASSERT_TRUE(
        write_file(scratch.path() + "/model.safetensors", safetensors_of(bart_tensors())).ok());
    const auto alone = load_any(scratch.path());
    ASSERT_FALSE(alone.ok());
    EXPECT_EQ(alone.error().code, ErrorCode::kUnsupported);
    EXPECT_THAT(alone.error().message, HasSubstr("encoder-decoder"));
    EXPECT_EQ(writes_text(scratch.path()), std::nullopt);
    for (const std::string& path : {scratch.path(), scratch.path() + "/model.safetensors"}) {
        const LoadedModel both = load_any(path, EncoderDecoders::kTaken).value();
        ASSERT_TRUE(both.encoder.has_value());
        EXPECT_EQ(both.encoder->begins, text::Tokens{2});
        EXPECT_TRUE(
            model::check_encoder_decoder(both.encoder->encoder.config, both.model.config).ok());
        for (const ModelFormat format :
             {ModelFormat::kCairn, ModelFormat::kGguf, ModelFormat::kHuggingFace})
            EXPECT_EQ(save_model(both.model, format, scratch.path() + "/out", {}).error().code,
                      ErrorCode::kUnsupported);
    }
}

}  // namespace
}  // namespace cairn::formats
