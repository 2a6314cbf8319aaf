// What every writer of model files is told.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "model/files/file_writer.h"
#include "tensor/weight.h"

namespace cairn::model {

struct WriteOptions {
    /// Matrices as this type; nothing: as they are (where the format can hold it).
    std::optional<tensor::WeightType> type;
    Replace replace = Replace::kNo;
    /// Hugging Face: largest size of one file of weights; 0: one file.
    std::uint64_t shard_bytes = 0;
    /// Hugging Face: a folder whose tokenizer files are taken over as they are; may be empty.
    std::string carry_from;
    std::string name;  ///< GGUF: what the file calls the model
    /// Called with bytes written and bytes in all.
    std::function<void(std::uint64_t, std::uint64_t)> progress;
};

}  // namespace cairn::model
