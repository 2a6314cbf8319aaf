// Lines from a person or a pipe. On a terminal libedit edits them (arrows, history, Ctrl-R); from
// anything else they are read as they are, with no prompt.
#pragma once

#include <iosfwd>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"

namespace cairn::cli {

inline constexpr std::size_t kMaxLineBytes = std::size_t{1} << 20;

class LineReader {
  public:
    virtual ~LineReader() = default;
    /// The next line without its end; nothing at the end of the input (Ctrl-D). Ctrl-C gives an
    /// empty line. kInvalid for a line longer than kMaxLineBytes.
    virtual Result<std::optional<std::string>> read(const std::string& prompt) = 0;
    /// Whether somebody sits there.
    virtual bool is_terminal() const { return false; }
};

/// For pipes and tests.
class StreamLineReader final : public LineReader {
  public:
    explicit StreamLineReader(std::istream& in) : in_(in) {}
    Result<std::optional<std::string>> read(const std::string& prompt) override;

  private:
    std::istream& in_;
};

/// Standard input: edited if it and standard output are a terminal. `history_file` may be empty:
/// then lines are remembered only until the end.
std::unique_ptr<LineReader> standard_input(const std::string& history_file);

}  // namespace cairn::cli
