// What every writer of model files is told.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "formats/file_writer.h"
#include "model/pooling.h"
#include "tensor/weight.h"

namespace cairn::formats {

/// Called with the number of bytes written so far, and of all bytes to write.
using WriteProgress = std::function<void(std::uint64_t done, std::uint64_t total)>;

struct WriteOptions {
    /// Matrices as this type; nothing: as they are (where the format can hold it).
    std::optional<tensor::WeightType> type;
    Replace replace = Replace::kNo;
    /// Hugging Face: largest size of one file of weights; 0: one file.
    std::uint64_t shard_bytes = 0;
    /// Hugging Face: a folder whose tokenizer files are taken over as they are; may be empty.
    std::string carry_from;
    std::string name;  ///< GGUF: what the file calls the model
    /// Encoders: how states become one vector. GGUF and Hugging Face can say it.
    std::optional<model::Pooling> pooling{};
    WriteProgress progress;  ///< may be empty
};

}  // namespace cairn::formats
