// What holds for the options of every command, so that none has to remember it: numbers are
// numbers, and a mistyped word is answered with the one that was probably meant.
#pragma once

#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace cairn::cli {

/// Gives every numeric option of `app` and its subcommands a check: not empty, no NaN or infinity,
/// whole numbers in digits, no sign where there is none. Once, after all options are there.
void check_numbers(CLI::App& app);

/// What to say of a command line that `app` refused: for an unknown command or option, which one
/// and the nearest there is. Nothing where another thing was wrong.
std::optional<std::string> mistyped_word(const CLI::App& app, int argc, const char* const* argv);

}  // namespace cairn::cli
