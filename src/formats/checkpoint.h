// Our own checkpoint: one file with everything that is needed to write text. Version 2, which is
// written; tensors may have any type, and a mapped file is used in place:
//
//   magic "CAIRNCKP" · u32 version 2 · config (model/config.h) · u32 length and bytes of the
//   tokenizer file (may be empty) · u32 length and chat template (may be empty) · for each tensor
//   of the dense layout u8 type (tensor/weight.h) and u64 checksum of its bytes · u64 checksum of
//   all bytes before it · then each tensor, canonical, at the next multiple of 64, zeros between
//
// Version 1, which is read: ... tokenizer file · u64 number of parameters · fp32 parameters in the
// dense layout · u64 checksum of all bytes before it.
//
// Version 3 is an encoder-decoder: encoder_decoder_checkpoint.h.
//
// Checksums find damage on disks, not malice: to be sure which model it is, compare content hashes.
#pragma once

#include "formats/source.h"
#include "formats/write_options.h"
#include "model/weights.h"

namespace cairn::formats {

inline constexpr std::string_view kCheckpointMagic = "CAIRNCKP";
inline constexpr std::size_t kCheckpointAlignment = 64;
inline constexpr std::uint32_t kEncoderDecoderVersion = 3;

/// The file in memory, for small models. kInvalid for parameters that are not finite (N10); CHECKs
/// that every tensor is there and canonical.
Result<Bytes> encode_checkpoint(const model::Model& model);
Result<model::Model> read_checkpoint(const SharedSource& source);

/// In the manner of FNV-1a, over little-endian 64-bit words, the last one filled with zeros. Each
/// step is a bijection of the state, so damage within one word is always seen. Public for fuzzing.
std::uint64_t checkpoint_checksum(ByteView bytes);

/// Writes the file so that a crash leaves the old one or the new one.
Status save_checkpoint(const model::Model& model, const std::string& path,
                       Replace replace = Replace::kYes, const WriteProgress& progress = {});

}  // namespace cairn::formats
