// Version 1 of our checkpoint: fp32 parameters and one checksum at the end. Read, never written.
#pragma once

#include "formats/checkpoint.h"

namespace cairn::formats {

/// Reads what follows magic and version, which the caller has already read from `reader`.
Result<model::Model> read_checkpoint_v1(const Source& source, Reader& reader,
                                        std::size_t header_bytes);

/// kInvalid unless the tokenizer's file can be read and fits the vocabulary; empty is fine.
Status check_tokenizer(ByteView file, const model::ModelConfig& config);

}  // namespace cairn::formats
