// Lines that a person edits on a terminal, with libedit: arrows, history, Ctrl-R. A pasted block is
// part of the line, however many lines it has: marked by the terminal (bracketed paste), or known
// by coming faster than anybody types. Ctrl-C throws the line away, Ctrl-Z suspends the program,
// and the terminal is given back as it was.
#pragma once

#include <cstdio>

#include "console/line_reader.h"

namespace cairn::console {

/// Reads standard input and shows on `out`, both terminals. The history is read from and, in the
/// end, written to `history_file` (0600), unless that is empty. kInvalid if the file is there and
/// is no history.
Result<std::unique_ptr<LineReader>> edited_input(const std::string& history_file, std::FILE* out);

}  // namespace cairn::console
