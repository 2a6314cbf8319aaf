// Text from outside: numbers that people wrote, words they mistyped, and text of files and peers
// made safe to show. Nothing here throws.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cairn {

/// A whole number in decimal digits, nothing else: no sign, no blanks. kInvalid names `what`.
Result<std::uint64_t> parse_whole(std::string_view text, const std::string& what);
/// A finite number such as "0.5", "-3" or "1e-4".
Result<double> parse_real(std::string_view text, const std::string& what);

/// The word of `known` that differs least from `word`, if it differs so little that it may have
/// been meant (letters exchanged, left out, added or wrong, at most one in three).
std::optional<std::string> nearest_word(std::string_view word,
                                        const std::vector<std::string>& known);

/// Bytes from the start of `text` up to the first one that is not UTF-8; all of them if none is.
std::size_t valid_utf8_length(std::string_view text);

/// `text` as it may be shown on a terminal. What could move the cursor, change the terminal or turn
/// the reading direction (control characters of ASCII and Unicode but line feed and tab, bytes
/// that are no UTF-8) becomes U+FFFD.
std::string printable(std::string_view text);
/// As printable(), on one line: line feeds and tabs become spaces.
std::string printable_line(std::string_view text);

/// printable() for text that comes in pieces, which may end inside a character.
class PrintableStream {
  public:
    /// What of all text so far can be shown now; a character cut in two is held back.
    std::string next(std::string_view piece);
    /// At the end: U+FFFD for a character that was never completed.
    std::string rest();

  private:
    std::string waiting_;
};

}  // namespace cairn
