// Text measured in the columns that a terminal gives it, not in bytes: a bar such as ▇ is three
// bytes and one column, a Chinese character three bytes and two.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cairn::console {

std::size_t columns_of(std::string_view text);
/// At most `columns` wide; what was cut is shown by an ellipsis.
std::string cut_to(std::string_view text, std::size_t columns);
/// Exactly `columns` wide, cut or filled with blanks.
std::string fill_to(std::string_view text, std::size_t columns);
/// Lines of at most `columns`, broken at blanks where there are some; all but the first begin with
/// `indent` blanks.
std::vector<std::string> wrap(std::string_view text, std::size_t columns, std::size_t indent);
/// A line for a terminal of so many columns, broken between words; all lines begin as it does. What
/// people copy stays whole, however long it is: `quoted by backticks`, and a command from its
/// "cairn" to the end of the line.
std::vector<std::string> wrap_for_people(std::string_view line, std::size_t columns);
/// The text in lines of at most 80 columns, each with its line end; all but the first begin with
/// four blanks.
std::string in_80_columns(std::string_view text);

}  // namespace cairn::console
