// Proves that a run's state comes back as it was and that a damaged, cut or foreign one is refused.
#include "train/run_state.h"

#include <gtest/gtest.h>

namespace cairn::train {
namespace {

RunState example() {
    RunState state;
    state.config.dim = 16;
    state.config.hidden_dim = 32;
    state.config.layers = 1;
    state.config.heads = 2;
    state.config.kv_heads = 1;
    state.config.vocab = 24;
    state.config.context = 32;
    state.tokenizer = {1, 2, 3};
    state.recipe.peak_rate = 2e-3;
    state.options = {"--dim 16", {"a.txt", "b.txt"}, "held.txt", "log.jsonl", 10, 64, 100, 1.5};
    state.text_hash = hash_tokens(std::vector<std::uint32_t>{1, 2, 3});
    state.elapsed_us = 12'345;
    state.first_loss = 5.25;
    state.trainer = Bytes(1000, 7);
    return state;
}

TEST(RunState, RoundTrips) {
    const RunState state = example();
    const Bytes file = encode_run_state(state);
    const RunState back = decode_run_state(file).value();
    EXPECT_EQ(back.config, state.config);
    EXPECT_EQ(back.options, state.options);
    EXPECT_EQ(back.recipe, state.recipe);
    EXPECT_EQ(back.trainer, state.trainer);
    EXPECT_EQ(encode_run_state(back), file);
    EXPECT_NE(state.text_hash, hash_tokens(std::vector<std::uint32_t>{1, 2, 4}));
}

RunState example_of_encoder_decoder() {
    RunState state = example();
    state.encoder_decoder = EncoderDecoderRun{state.config, {3, 1}, 123'456};
    state.encoder_decoder->encoder.causal = false;
    state.config.cross_context = state.config.context;
    return state;
}

TEST(RunState, OfAnEncoderDecoderRoundTripsAndIsAnotherVersion) {
    const RunState state = example_of_encoder_decoder();
    const Bytes file = encode_run_state(state);
    const RunState back = decode_run_state(file).value();
    EXPECT_EQ(back.config, state.config);
    EXPECT_EQ(back.encoder_decoder, state.encoder_decoder);
    EXPECT_EQ(encode_run_state(back), file);
    EXPECT_EQ(file[8], 2);
    EXPECT_EQ(encode_run_state(example())[8], 1);

    RunState wrong = state;
    wrong.encoder_decoder->begins = {24};
    EXPECT_FALSE(decode_run_state(encode_run_state(wrong)).ok());
    wrong.encoder_decoder->begins = {};
    EXPECT_FALSE(decode_run_state(encode_run_state(wrong)).ok());
    wrong.encoder_decoder->begins.assign(state.config.context + 1, 1);
    EXPECT_FALSE(decode_run_state(encode_run_state(wrong)).ok());
    wrong = state;
    wrong.config.cross_context = 16;
    EXPECT_FALSE(decode_run_state(encode_run_state(wrong)).ok());
    wrong = state;
    wrong.encoder_decoder.reset();
    EXPECT_FALSE(decode_run_state(encode_run_state(wrong)).ok());
}

TEST(RunState, RefusesEveryCutAndEveryFlippedByte) {
    for (const Bytes& file :
         {encode_run_state(example()), encode_run_state(example_of_encoder_decoder())}) {
        for (std::size_t size = 0; size < file.size(); ++size)
            ASSERT_FALSE(decode_run_state(ByteView(file).first(size)).ok()) << size;
        for (std::size_t at = 0; at < file.size(); ++at) {
            Bytes bad = file;
            bad[at] ^= 0x10;
            ASSERT_FALSE(decode_run_state(bad).ok()) << at;
        }
        Bytes longer = file;
        longer.push_back(0);
        EXPECT_FALSE(decode_run_state(longer).ok());
    }
}

// The hash finds damage, not malice: lengths inside are bounded too.
TEST(RunState, RefusesALyingLength) {
    RunState state = example();
    Bytes file = encode_run_state(state);
    file.resize(file.size() - Hash256::size());
    file.resize(file.size() - state.trainer.size() - 8);
    for (int i = 0; i < 8; ++i) file.push_back(0xFF);
    const Hash256 hash = crypto::sha256(file);
    file.insert(file.end(), hash.bytes.begin(), hash.bytes.end());
    EXPECT_FALSE(decode_run_state(file).ok());
}

TEST(RunState, WhatIsNoneIsNamedForWhatItIs) {
    const auto said = [](std::string_view content) {
        return decode_run_state(as_bytes(content)).error().message;
    };
    EXPECT_NE(said("version https://git-lfs.github.com/spec/v1\nsize 5\n").find("Git LFS"),
              std::string::npos);
    EXPECT_NE(said("").find("empty"), std::string::npos);
    EXPECT_NE(said("In the beginning").find("not the state of a training run"), std::string::npos);
}

}  // namespace
}  // namespace cairn::train
