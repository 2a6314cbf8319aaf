// Assembling a Model from tensors as files of other programs hold them. A reader of a format says
// what the file has (StoredTensor) and where it has each of our tensors (TensorPlace); this turns
// the two into weights: used in place where the file is mapped and the type fits, copied where they
// must be widened (norms and biases are fp32 here), transposed, or cut out of a fused tensor.
#pragma once

#include <functional>
#include <map>
#include <optional>

#include "formats/source.h"
#include "model/weights.h"

namespace cairn::formats {

struct StoredTensor {
    SharedSource source;
    std::optional<tensor::WeightType> type;  ///< nothing: we have no kernels for the file's type
    std::string type_name;                   ///< as the file calls it
    std::vector<std::uint64_t> shape;        ///< outermost first: [rows, cols] or [cols]
    std::uint64_t offset = 0;                ///< within the source, checked by the reader
    std::uint64_t bytes = 0;                 ///< agrees with type and shape
};

/// Where a file has one of our tensors.
struct TensorPlace {
    std::string name;         ///< empty: the format has no place for it
    bool transposed = false;  ///< stored [in, out] (GPT-2's Conv1D)
    std::uint32_t part = 0;   ///< which of `parts` equal ranges of output rows
    std::uint32_t parts = 1;
    std::uint64_t skipped = 0;  ///< rows of the stored matrix before ours (BART's positions)
    float added = 0.0F;         ///< to each value of a norm: Gemma's are stored as w and are 1 + w
};

/// Whether two have the same type, shape and bytes.
Result<bool> is_same(const StoredTensor& a, const StoredTensor& b);

using PlaceOf = std::function<TensorPlace(const model::TensorInfo&)>;
/// Whether a tensor that no weight asked for may be ignored.
using Redundant = std::function<bool(const std::string& name)>;

/// kInvalid for a missing tensor, a wrong shape, a NaN or infinity, always with the tensor's name;
/// kUnsupported for a type that is not read and for tensors that belong to something else. Memory
/// is taken only for tensors that the file really holds.
Result<model::Model> assemble(const model::ModelConfig& config,
                              const std::map<std::string, StoredTensor>& stored,
                              const PlaceOf& place_of, const Redundant& redundant);

}  // namespace cairn::formats
