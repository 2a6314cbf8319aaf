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

/// The command that the words of a command line lead to; `app` itself if none.
const CLI::App& command_of(const CLI::App& app, int argc, const char* const* argv);
/// "cairn wallet create".
std::string full_name(const CLI::App& app);

/// Before parsing, which would take "--out" for the value of "--text" in `--text --out x`, and
/// would show the help of another command than a mistyped one: what to say of such a line.
std::optional<std::string> misread_word(const CLI::App& app, int argc, const char* const* argv);

/// What to say of a command line that `app` refused: for an unknown option, which one and the
/// nearest there is. Nothing where another thing was wrong.
std::optional<std::string> mistyped_word(const CLI::App& app, int argc, const char* const* argv);

}  // namespace cairn::cli
