// The tensors of a checkpoint, which versions 2 (one model) and 3 (an encoder-decoder) have in
// common: behind the fields a table of u8 type and u64 checksum for each, a u64 checksum of all
// bytes before it, and each tensor at the next multiple of 64, zeros between.
#pragma once

#include <functional>
#include <vector>

#include "formats/source.h"
#include "formats/weight_memory.h"
#include "formats/write_options.h"
#include "model/weights.h"

namespace cairn::formats {

/// As a file is written: its fields, and the tensors in their order, canonical.
struct CheckpointParts {
    Writer fields;
    std::vector<tensor::Weight> tensors;
};

Result<Bytes> checkpoint_bytes(CheckpointParts parts);
/// Writes the file so that a crash leaves the old one or the new one.
Status write_checkpoint(CheckpointParts parts, const std::string& path, Replace replace,
                        const WriteProgress& progress);

/// The tensors of `infos` behind the fields that `reader` has read of `header`, a file's beginning;
/// `memory` keeps them. kInvalid for whatever is not as above, and for bytes behind the last.
Result<std::vector<tensor::Weight>> read_checkpoint_tensors(
    const SharedSource& source, ByteView header, Reader& reader,
    const std::vector<model::TensorInfo>& infos, WeightMemory& memory);

/// Bytes of the table and its checksum, at most, of one model.
inline constexpr std::size_t kMaxCheckpointTable =
    9 * (std::size_t{model::kMaxLayers} + 1) * model::kTensorKinds + 8;

}  // namespace cairn::formats
