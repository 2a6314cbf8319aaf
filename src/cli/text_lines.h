// The lines of a text that a user names, for commands that take many small texts.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace cairn::cli {

struct TextLine {
    std::size_t number = 0;  ///< in the file, from 1
    std::string text;
};

/// Lines that are not empty, without CR or LF. "-": standard input. kInvalid for more than `most`
/// lines or none.
Result<std::vector<TextLine>> read_lines(const std::string& path, std::size_t most);

}  // namespace cairn::cli
