// How a training run on pairs of texts begins: its encoder-decoder, fresh or from files, and its
// pairs as tokens.
#pragma once

#include "cli/train/train_start.h"

namespace cairn::cli {

/// Reads the pairs and reads or trains the tokenizer that start.request names, as
/// prepare_training(), which calls it.
Status prepare_pairs(TrainStart& start, const console::Interrupt& interrupt);

/// The halves of a fresh encoder-decoder, of one shape: `config` is that of a fresh language model.
model::ModelConfig fresh_encoder(model::ModelConfig config);
model::ModelConfig fresh_decoder(model::ModelConfig config);

}  // namespace cairn::cli
