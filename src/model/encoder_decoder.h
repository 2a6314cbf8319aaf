// An encoder-decoder (BART): an encoder reads one text, and a decoder with cross attention writes
// another. They are two models of one width and vocabulary, each with a configuration, a layout and
// weights of its own (the token embedding may be one tensor that both point to). So whatever runs,
// serves or trains the layers of one model does so for either half.
//
//   Encoder encoder(half.encoder.config, half.encoder.weights, compute);
//   Transformer decoder(config, weights, all_layers(config), compute);
//   ASSIGN_OR_RETURN(KvCache source, read_source(encoder, decoder, tokens, KvType::kF32));
//   decoder.forward(hidden, cache, tensor::StateType::kF32, &source);   // any number of times
#pragma once

#include <span>

#include "model/encoder.h"
#include "model/kv_cache.h"
#include "model/transformer.h"

namespace cairn::model {

/// kInvalid unless the decoder can attend to what the encoder makes, of every length.
Status check_encoder_decoder(const ModelConfig& encoder, const ModelConfig& decoder);

/// The most tokens that a text of the decoder may begin with.
inline constexpr std::size_t kMaxBegins = 16;
/// kInvalid unless texts of that decoder can begin with these tokens: one at least.
Status check_begins(std::span<const std::uint32_t> begins, const ModelConfig& decoder);

/// The encoder's states of `tokens`, rounded to `states` (N53), as the keys and values that each
/// layer in the decoder's range sees, rounded to `type` (N5). kInvalid as Encoder::encode();
/// kUnsupported for attention by digits. CHECKs that both fit.
Result<KvCache> read_source(Encoder& encoder, Transformer& decoder,
                            std::span<const std::uint32_t> tokens, KvType type,
                            tensor::StateType states = tensor::StateType::kF32);

/// kInvalid unless layers of this shape read so many rows of a whole text, in caches of this type:
/// those of an encoder its own, 1 to its context of them; those of a decoder with cross attention
/// as many as it can attend to; those of other models none.
Status check_source(const ModelConfig& config, std::size_t rows, KvType type);

}  // namespace cairn::model
