// How `cairn lab NAME` hands over a papers::ResultTable: a table for people, one JSON object
// ({"name", "rows", "found"}), and with --out a folder of CSV, SVG and PNG.
#pragma once

#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/commands.h"
#include "papers/result_table.h"

namespace cairn::cli {

class Command;

struct LabOutput {
    bool json = false;
    std::string folder;  ///< of --out; empty: no files are written
};

/// Prints the table or the object, and writes NAME.csv and, for each picture, NAME.svg and NAME.png
/// (NAME-2.csv for the second block of rows, NAME-2.svg for the second picture). PNG needs Debian's
/// rsvg-convert; without it a line says so.
Status show(const papers::ResultTable& table, const LabOutput& output, std::ostream& out);

/// What is invalid of that which a person asked for on the command line is misuse.
template <typename T>
Result<T> asked_for(Result<T> result) {
    if (!result.ok() && result.error().code == ErrorCode::kInvalid)
        return misused(result.error().message);
    return result;
}

/// A subcommand of `lab` with --json and --out, which prints what `make` finds.
Command add_result_command(const Command& group, Invocation& invocation, const std::string& name,
                           const std::string& what, const std::string& example,
                           std::function<Result<papers::ResultTable>()> make);

/// A progress bar for as long as it lives, for a function that makes a table.
papers::TableProgress progress_bar(const std::string& what);

/// A list of numbers or a list of equally long lists of them, as JSON: "[1, 2]", "[[1, 2], [3,
/// 4]]". kMisused with the option's name.
Result<std::vector<double>> numbers_of(const std::string& option, const std::string& text);
Result<std::vector<std::vector<double>>> matrix_of(const std::string& option,
                                                   const std::string& text);
/// The same for whole numbers.
Result<std::vector<std::int64_t>> integers_of(const std::string& option, const std::string& text);

}  // namespace cairn::cli
