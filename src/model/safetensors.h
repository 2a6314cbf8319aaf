// Reading safetensors (Hugging Face): u64 header length, a JSON header {name: {dtype, shape,
// data_offsets}}, then the data. A Llama model is a folder of config.json and model.safetensors (or
// shards with model.safetensors.index.json). F32, F16 and BF16 tensors widen to fp32 exactly.
#pragma once

#include <map>
#include <memory>

#include "model/source.h"
#include "model/weights.h"

namespace cairn::model {

inline constexpr std::uint64_t kMaxSafetensorsHeader = std::uint64_t{16} << 20;

enum class SafetensorsType { kF32, kF16, kBf16, kOther };

struct SafetensorsEntry {
    SafetensorsType type = SafetensorsType::kOther;
    std::vector<std::uint64_t> shape;
    std::uint64_t offset = 0;  ///< in the file
    std::uint64_t bytes = 0;
};

/// The header of one file, every bound checked: offsets lie inside the file and agree with type
/// and shape.
Result<std::map<std::string, SafetensorsEntry>> read_safetensors_header(const Source& source);

/// Values of one tensor into `out`, whose length must equal its element count.
Status read_safetensors_tensor(const Source& source, const SafetensorsEntry& entry,
                               std::span<float> out);

/// config.json of a Llama-style model. kUnsupported for what this program does not compute (rope
/// scaling, biases, other activations), rather than computing something else.
Result<ModelConfig> parse_llama_config(std::string_view json);

/// A folder with config.json and safetensors. It has no tokenizer that we read yet: the result's
/// tokenizer is empty.
Result<Model> read_safetensors_folder(const std::string& folder);

/// From parsed parts, for tests and fuzzing: every file holds some of the tensors.
Result<Model> read_safetensors(const ModelConfig& config,
                               std::span<const std::unique_ptr<Source>> files);

}  // namespace cairn::model
