// Our own checkpoint: one file with everything that is needed to write text.
//
//   magic "CAIRNCKP" · u32 version 1 · config (model/config.h) · u32 length and bytes of the
//   tokenizer file (may be empty) · u64 number of parameters · fp32 parameters in the dense layout
//   · u64 checksum of all bytes before it
//
// The checksum finds damage on disks, not malice: who must trust a model compares its content hash.
#pragma once

#include "model/source.h"
#include "model/weights.h"

namespace cairn::model {

inline constexpr std::string_view kCheckpointMagic = "CAIRNCKP";

/// CHECKs that the sizes agree; kInvalid for parameters that are not finite (numerics rule 10).
Result<Bytes> encode_checkpoint(const Model& model);
Result<Model> read_checkpoint(const Source& source);

/// The checksum of a file's bytes before it. Public for fuzzing.
std::uint64_t checkpoint_checksum(ByteView bytes);

/// Writes the file so that a crash leaves the old one or the new one.
Status save_checkpoint(const Model& model, const std::string& path);

}  // namespace cairn::model
