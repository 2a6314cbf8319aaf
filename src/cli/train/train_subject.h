// What a training run trains, a language model or an encoder-decoder, to the rest of `cairn train`:
// everything that differs between the two once the run has begun.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cli/train/train_start.h"
#include "train/held_out.h"
#include "train/trainer.h"

namespace cairn::cli {

std::uint64_t count_parameters(const TrainStart& start);
/// "dim 64, hidden 172, ...": of both halves.
std::string describe_model(const TrainStart& start);
/// Tokens to learn from: of a text, or of both sides of all pairs.
std::uint64_t text_tokens(const TrainStart& start);
/// "1000 tokens of text, 1024 per step".
std::string describe_texts(const TrainStart& start);
/// Of what is learnt.
Hash256 text_hash(const TrainStart& start);
/// Both halves have one, the decoder's under the model's name.
std::vector<std::pair<std::string, Hash256>> content_hashes(const TrainStart& start,
                                                            std::span<const float> parameters);

std::unique_ptr<train::Trainer> make_trainer(const TrainStart& start,
                                             const tensor::Compute& compute);
Status save_model(const TrainStart& start, std::span<const float> parameters);

bool has_held_out(const TrainStart& start);
/// A sample of the held-out text, or null if there is none.
Result<std::unique_ptr<train::HeldOut>> make_held_out(const TrainStart& start,
                                                      const tensor::Compute& compute);
/// Nats per token over all of it, every token once. kCancelled if `stop` says so.
Result<double> final_loss(const TrainStart& start, std::span<const float> parameters,
                          const tensor::Compute& compute, const std::function<bool()>& stop);

}  // namespace cairn::cli
