// Loading a tokenizer from any of the known file formats, told apart by content, never by name.
#pragma once

#include <memory>
#include <string>

#include "text/tokenizer.h"

namespace cairn::formats {

/// The tokenizer in a file: our canonical forms, llama2.c's tokenizer.bin, tokenizer.json or
/// vocab.txt (companions are read from the same folder), GGUF, the one inside a checkpoint of ours.
/// For a folder: its tokenizer.json, else its vocab.txt. Errors name the file.
Result<std::unique_ptr<text::Tokenizer>> load_tokenizer(const std::string& path);

}  // namespace cairn::formats
