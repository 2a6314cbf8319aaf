// The checkpoint of an encoder-decoder: version 3 of the file of checkpoint.h, which programs that
// know only single models refuse by its number.
//
//   magic "CAIRNCKP" · u32 version 3 · config of the encoder, of the decoder (model/config.h) · u32
//   length and bytes of the tokenizer file (may be empty) · u32 number and u32 ids of the tokens
//   that each text of the decoder begins with · the tensors of model/encoder_decoder_layout.h as in
//   version 2
#pragma once

#include "formats/loaded_model.h"
#include "formats/source.h"
#include "formats/write_options.h"

namespace cairn::formats {

/// Whether a file that begins so is one.
bool is_encoder_decoder_checkpoint(ByteView head);

/// The file in memory, for small models; the tokenizer is the decoder's. kInvalid for parameters
/// that are not finite (N10); CHECKs that every tensor is there and canonical, and that both halves
/// have one token embedding.
Result<Bytes> encode_encoder_decoder_checkpoint(const model::Model& decoder,
                                                const EncoderHalf& half);
Result<LoadedModel> read_encoder_decoder_checkpoint(const SharedSource& source);

/// Writes the file so that a crash leaves the old one or the new one.
Status save_encoder_decoder_checkpoint(const model::Model& decoder, const EncoderHalf& half,
                                       const std::string& path, Replace replace = Replace::kYes,
                                       const WriteProgress& progress = {});

/// What a reader of models says of an encoder-decoder where one model is wanted.
inline Error encoder_decoder_refused(const std::string& path) {
    return Error{ErrorCode::kUnsupported,
                 path +
                     " is an encoder-decoder: `cairn generate` writes with it, `cairn train "
                     "--pairs` trains it, `cairn node --serve` serves its layers, `cairn "
                     "model info` and `cairn model verify` look at it; nothing else takes one yet"};
}

}  // namespace cairn::formats
