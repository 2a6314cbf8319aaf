// Lines from a person or a pipe. On a terminal they are edited (line_editor.h); from anything else
// they are read as they are, with no prompt.
#pragma once

#include <iosfwd>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "console/input_bytes.h"
#include "console/interrupt.h"

namespace cairn::console {

inline constexpr std::size_t kMaxLineBytes = std::size_t{1} << 20;

class LineReader {
  public:
    virtual ~LineReader() = default;
    /// The next line without its end; nothing at the end of the input (Ctrl-D) and where
    /// `interrupt` says that the program must end. kInvalid for a line longer than kMaxLineBytes,
    /// which is skipped.
    virtual Result<std::optional<std::string>> read(const std::string& prompt,
                                                    Interrupt& interrupt) = 0;
    /// Whether the lines come from a person at a terminal.
    virtual bool is_terminal() const { return false; }
    /// The last line was thrown away by Ctrl-C, and is empty.
    virtual bool dropped() const { return false; }
};

/// For tests.
class StreamLineReader final : public LineReader {
  public:
    explicit StreamLineReader(std::istream& in) : in_(in) {}
    Result<std::optional<std::string>> read(const std::string& prompt,
                                            Interrupt& interrupt) override;

  private:
    std::istream& in_;
};

/// A pipe or a file. Any signal that asks to stop is the end of the input.
class PipeLineReader final : public LineReader {
  public:
    explicit PipeLineReader(int descriptor) : bytes_(descriptor) {}
    Result<std::optional<std::string>> read(const std::string& prompt,
                                            Interrupt& interrupt) override;

  private:
    InputBytes bytes_;
};

/// Standard input: edited if it is a terminal and there is one to show it on: standard output, or
/// with `keep_output` (standard output is for results) or where that is none, standard error.
/// `history_file` may be empty: then lines are remembered only until the end. An error if it is
/// there and is something else, or cannot be read.
Result<std::unique_ptr<LineReader>> standard_input(const std::string& history_file,
                                                   bool keep_output);

}  // namespace cairn::console
