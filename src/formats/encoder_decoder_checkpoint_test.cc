// Proves that the checkpoint of an encoder-decoder comes back as it was, with one token embedding,
// that whoever wants one model refuses it, and that a damaged, cut or lying file is refused.
#include "formats/encoder_decoder_checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "formats/checkpoint.h"
#include "formats/format_test_models.h"
#include "formats/load.h"
#include "formats/mapped_source.h"
#include "formats/test_bart.h"
#include "model/encoder_decoder_layout.h"
#include "model/test_encoder_decoder.h"

namespace cairn::formats {
namespace {

using testing::HasSubstr;

struct Halves {
    model::Model decoder;
    EncoderHalf half;
};

Halves halves(const model::EncoderDecoderFamily& family,
              std::vector<std::uint32_t> begins = {2, 0}) {
    const model::EncoderDecoderLayout layout(family.encoder, family.decoder);
    model::EncoderDecoderModels models =
        model::make_encoder_decoder(layout, model::initial_parameters(layout, 3));
    return {std::move(models.decoder), {std::move(models.encoder), std::move(begins)}};
}

SharedSource in_memory(const Bytes& file) { return std::make_shared<MemorySource>(file); }

TEST(EncoderDecoderCheckpoint, RoundTrips) {
    for (const model::EncoderDecoderFamily& family : model::encoder_decoder_families()) {
        const Halves made = halves(family);
        const Bytes file = encode_encoder_decoder_checkpoint(made.decoder, made.half).value();
        const LoadedModel back = read_encoder_decoder_checkpoint(in_memory(file)).value();
        ASSERT_TRUE(back.encoder.has_value());
        EXPECT_EQ(back.format, "cairn");
        EXPECT_EQ(back.model.config, family.decoder);
        EXPECT_EQ(back.encoder->encoder.config, family.encoder);
        EXPECT_EQ(back.encoder->begins, made.half.begins);
        EXPECT_EQ(back.model.weights.token_embedding.data,
                  back.encoder->encoder.weights.token_embedding.data);
        EXPECT_EQ(model::dense_parameters(back.model), model::dense_parameters(made.decoder));
        EXPECT_EQ(model::dense_parameters(back.encoder->encoder),
                  model::dense_parameters(made.half.encoder));
        EXPECT_EQ(encode_encoder_decoder_checkpoint(back.model, *back.encoder).value(), file);
    }
}

TEST(EncoderDecoderCheckpoint, IsForThoseWhoTakeEncoderDecoders) {
    const Halves made = halves(model::encoder_decoder_families().front());
    const Scratch scratch("encoder-decoder.cairn");
    ASSERT_TRUE(save_encoder_decoder_checkpoint(made.decoder, made.half, scratch.path()).ok());
    const auto alone = load_any(scratch.path());
    ASSERT_FALSE(alone.ok());
    EXPECT_EQ(alone.error().code, ErrorCode::kUnsupported);
    EXPECT_THAT(alone.error().message, HasSubstr("encoder-decoder"));
    EXPECT_EQ(read_checkpoint(open_source(scratch.path()).value()).error().code,
              ErrorCode::kUnsupported);
    const LoadedModel both = load_any(scratch.path(), EncoderDecoders::kTaken).value();
    EXPECT_EQ(both.encoder->begins, made.half.begins);
    EXPECT_EQ(model::dense_parameters(both.model), model::dense_parameters(made.decoder));
}

TEST(EncoderDecoderCheckpoint, RefusesEveryCutAndEveryFlippedByte) {
    // An encoder-decoder of a few hundred bytes besides its tensors.
    model::EncoderDecoderFamily family = model::encoder_decoder_families().front();
    for (model::ModelConfig* config : {&family.encoder, &family.decoder}) {
        config->dim = 8;
        config->hidden_dim = 4;
        config->heads = config->kv_heads = 1;
        config->layers = 1;
        config->vocab = 5;
        config->context = 4;
    }
    family.decoder.cross_context = 4;
    const Halves made = halves(family);
    const Bytes file = encode_encoder_decoder_checkpoint(made.decoder, made.half).value();
    ASSERT_TRUE(read_encoder_decoder_checkpoint(in_memory(file)).ok());
    for (std::size_t size = 0; size < file.size(); size += size < 1200 ? 1 : 13)
        ASSERT_FALSE(
            read_encoder_decoder_checkpoint(
                in_memory(Bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size))))
                .ok())
            << size;
    for (std::size_t at = 0; at < file.size(); at += at < 1200 ? 1 : 7) {
        Bytes bad = file;
        bad[at] ^= 0x10;
        ASSERT_FALSE(read_encoder_decoder_checkpoint(in_memory(bad)).ok()) << at;
    }
    Bytes longer = file;
    longer.push_back(0);
    EXPECT_FALSE(read_encoder_decoder_checkpoint(in_memory(longer)).ok());
}

TEST(EncoderDecoderCheckpoint, RefusesWhatNoTextCanBeginWith) {
    const model::EncoderDecoderFamily family = model::encoder_decoder_families().front();
    const auto said = [&](std::vector<std::uint32_t> begins) {
        const Halves made = halves(family, std::move(begins));
        const auto back = read_encoder_decoder_checkpoint(
            in_memory(encode_encoder_decoder_checkpoint(made.decoder, made.half).value()));
        return back.ok() ? std::string() : back.error().message;
    };
    EXPECT_EQ(said({1, 2, 3}), "");
    EXPECT_THAT(said({family.decoder.vocab}), HasSubstr("none of its own"));
}

}  // namespace
}  // namespace cairn::formats
