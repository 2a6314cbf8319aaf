// Texts from standard input, and the lines of a text, for commands that take many small texts.
#pragma once

#include <istream>
#include <string>
#include <vector>

#include "base/result.h"

namespace cairn::cli {

struct TextLine {
    std::size_t number = 0;  ///< in the file, from 1
    std::string text;
};

/// All of `in`, which messages call `name`; kFull if it goes on after `most` bytes.
Result<std::string> read_all(std::istream& in, const std::string& name, std::size_t most);

/// All of standard input, at most kMaxTextBytes; refused or warned of as the text of a file is
/// (base/foreign_file.h, check_encoding).
Result<std::string> read_standard_input();

/// Lines that are not empty, without CR or LF. "-": standard input. kInvalid for more than `most`
/// lines or none.
Result<std::vector<TextLine>> read_lines(const std::string& path, std::size_t most);

}  // namespace cairn::cli
