// A ResultTable for people and for other programs: its values as text, a section of a page, and
// files of CSV, SVG and PNG.
#pragma once

#include <iosfwd>
#include <string>

#include "base/result.h"
#include "papers/result_table.h"

namespace cairn::papers {

/// A value as it is shown: numbers with six digits at most, lists shortened.
std::string text_of(const Value& value);

/// Writes NAME.csv into the folder and, for each picture, NAME.svg and NAME.png (NAME-2.csv for the
/// second block of rows, NAME-2.svg for the second picture). PNG needs Debian's rsvg-convert.
/// `said` (may be null) is told what was written, and why there is no PNG.
Status write_files(const ResultTable& table, const std::string& folder, std::ostream* said);

/// A section of a page: the command that makes it (`arguments` are what it is given), its sentence,
/// its rows, its pictures from the page's folder.
std::string to_markdown(const ResultTable& table, const std::string& title,
                        const std::string& arguments = "");

}  // namespace cairn::papers
