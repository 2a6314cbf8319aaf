// Exporting: a model's tensors as another program's format wants them, one after the other, so
// that a file of many gigabytes is written without being in memory. Rows that already have the
// right type are copied byte for byte; others are widened to fp32 and narrowed once.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "formats/assemble.h"

namespace cairn::formats {

/// One tensor of the file: one of ours, or several that the format fuses.
struct ExportTensor {
    std::string name;
    tensor::WeightType type{};
    std::vector<std::uint64_t> shape;  ///< outermost first
    std::uint64_t bytes = 0;
    bool transposed = false;
    float added = 0.0F;  ///< by a reader, so taken off here; exact for values from 1/2 on
    std::vector<model::TensorInfo> parts;  ///< in order of their rows
};

/// What a format wants.
struct ExportFormat {
    PlaceOf place_of;
    /// The pairing of rotary positions; rows of queries and keys are permuted to it, exactly.
    bool rope_interleaved = false;
    /// The type that a tensor gets, given the one that it has.
    std::function<tensor::WeightType(const model::TensorInfo&, tensor::WeightType)> type;
};

/// All tensors in the order of the dense layout; a fused one where its first part stands.
/// kUnsupported for one that the format has no place for.
Result<std::vector<ExportTensor>> tensors_to_export(const model::Model& model,
                                                    const ExportFormat& format);

/// Takes the tensor's bytes, piece by piece.
using Sink = std::function<Status(ByteView)>;

/// Exactly tensor.bytes bytes. kInvalid with the tensor's name for values that the type cannot
/// hold.
Status write_export_tensor(const model::Model& model, const ExportTensor& tensor,
                           bool rope_interleaved, const Sink& sink);

/// Whether the row length is no multiple of the type's block, so that the matrix becomes F16.
bool falls_back_to_f16(const model::TensorInfo& info, tensor::WeightType wanted);
/// The usual choice for a file of one type: matrices get it, or f16 where its blocks do not divide
/// a row; norms, biases, position and segment embeddings stay f32. Without a type, matrices keep
/// theirs.
tensor::WeightType default_export_type(const model::TensorInfo& info, tensor::WeightType current,
                                       std::optional<tensor::WeightType> wanted);

}  // namespace cairn::formats
