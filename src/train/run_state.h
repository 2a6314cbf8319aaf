// RunState: a training run on one machine between two of its steps, as one file. It holds all that
// decides the bits of what comes next (model, tokenizer, recipe, seed, parameters, moments), and
// the options of the run, so that `cairn train --resume` needs only the file's name. Of the text
// it holds only the hash: another text is refused.
//
//   magic "CAIRNRUN" · u32 version 1 · the fields below in order · u64 length and bytes of
//   Trainer::save() · SHA-256 of everything before it
//
// Version 2 is that of an encoder-decoder: its EncoderDecoderRun stands before the configuration,
// which is the decoder's.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "crypto/hash.h"
#include "model/config.h"
#include "train/recipe.h"

namespace cairn::train {

/// The options of the run that decide no bits.
struct RunOptions {
    std::string model;               ///< the arguments that named the model to begin with
    std::vector<std::string> texts;  ///< files, as the user named them
    std::string valid;               ///< held-out text; empty: none
    std::string log;                 ///< training log; empty: none
    std::uint64_t valid_every = 0;   ///< steps; 0: chosen from the length of the run
    std::uint64_t valid_windows = 0;
    std::uint64_t save_every = 0;  ///< steps; 0: by the clock
    double minutes = 0;            ///< time limit; 0: none
    bool operator==(const RunOptions&) const = default;
};

/// What the run of an encoder-decoder has besides.
struct EncoderDecoderRun {
    model::ModelConfig encoder;
    std::vector<std::uint32_t> begins;  ///< what each text of the decoder begins with
    std::uint64_t tokens = 0;           ///< computed so far, of both sides
    bool operator==(const EncoderDecoderRun&) const = default;
};

struct RunState {
    std::optional<EncoderDecoderRun> encoder_decoder{};
    model::ModelConfig config;
    Bytes tokenizer;  ///< its canonical file
    Recipe recipe;
    RunOptions options;
    Hash256 text_hash;             ///< hash_tokens of what is learnt from; of pairs, side by side
                                   ///< behind their lengths
    std::uint64_t elapsed_us = 0;  ///< time spent on the steps so far
    double first_loss = 0;         ///< nats per token of the first step's text
    Bytes trainer;                 ///< Trainer::save()
};

Hash256 hash_tokens(std::span<const std::uint32_t> tokens);

/// Canonical bytes; decode checks the hash, bounds every field and refuses trailing bytes.
Bytes encode_run_state(const RunState& state);
Result<RunState> decode_run_state(ByteView file);

}  // namespace cairn::train
