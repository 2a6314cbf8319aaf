// An encoder-decoder (BART) from the tensors of a Hugging Face folder: the two halves, with one
// token embedding between them, which files may hold under any of its four names.
#pragma once

#include "formats/hf_config.h"
#include "formats/loaded_model.h"

namespace cairn::formats {

struct HfEncoderDecoder {
    model::Model encoder, decoder;
};

/// kInvalid where the embedding's names hold different tensors, besides what assemble() says.
/// CHECKs that the configuration has an encoder.
Result<HfEncoderDecoder> read_hf_encoder_decoder(const HfConfig& config,
                                                 std::map<std::string, StoredTensor> stored);

/// The tokens that every text of the decoder begins with: the one that starts it, and the one that
/// is forced upon it, if any. generation_config.json (empty: there is none) counts before
/// config.json, as for transformers.
Result<std::vector<std::uint32_t>> first_decoder_tokens(std::string_view config_json,
                                                        std::string_view generation_json,
                                                        std::uint32_t vocab);

}  // namespace cairn::formats
