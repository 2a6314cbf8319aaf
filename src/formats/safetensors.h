// Safetensors, Hugging Face's file of tensors: u64 header length, a JSON header {name: {dtype,
// shape, data_offsets}}, then the data. The header alone is here, read and written; what the names
// mean is formats/hf_names.h, a folder of such files formats/hf_folder.h.
// Source: github.com/huggingface/safetensors, README.
#pragma once

#include <map>
#include <span>

#include "formats/assemble.h"
#include "formats/export_tensor.h"

namespace cairn::formats {

inline constexpr std::uint64_t kMaxSafetensorsHeader = std::uint64_t{16} << 20;

/// The header of one file, every bound checked: offsets lie inside the file and agree with type and
/// shape, and every byte belongs to one tensor. No name is there twice.
Result<std::map<std::string, StoredTensor>> read_safetensors_header(const SharedSource& source);

/// The header for tensors that follow one another; data begins at a multiple of eight.
Bytes safetensors_header(std::span<const ExportTensor> tensors);

}  // namespace cairn::formats
