// Checks that apply to the options of every command: numbers must be numbers, and for a mistyped
// word the error names the one that was probably meant.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/options.h"

namespace CLI {
class App;
}  // namespace CLI

namespace cairn::cli {

/// The latest time that a network knows, in milliseconds since 1970.
inline constexpr std::uint64_t kMaxTimeMs = std::uint64_t{1} << 48;

/// Gives every option of `app` and its subcommands what all need, once all options are there: words
/// as protected_words() left them become what was written; what names a file is not empty; numbers
/// are not empty, no NaN or infinity, whole ones in digits, without a sign where there is none; who
/// is to be connected to has an address. An
/// option for whole numbers that came without a range of its own is a programmer's error: it would
/// be refused without the range, or taken and fail far inside.
void check_values(CLI::App& app);

/// The command line so that CLI11 takes every word as it is: an option that takes several values
/// would cut "[a, b]" at its commas and take the brackets away, of a text or a file's name as well.
std::vector<std::string> protected_words(int argc, const char* const* argv);
/// A message of CLI11 without what protected_words() added.
std::string unprotected(std::string message);

/// Which of a chain's models is meant: a height, or the word best.
Check height_or_best();

/// The range of random seeds: any 64 bits.
Check any_seed();

/// The command that the words of a command line lead to; `app` itself if none.
const CLI::App& command_of(const CLI::App& app, int argc, const char* const* argv);
/// "cairn wallet create".
std::string full_name(const CLI::App& app);

/// Probable mistakes in a command line, each as a message.
struct Misread {
    /// To be reported before parsing: the parser would take "--out" for the value of "--text" in
    /// `--text --out x`, and for a mistyped command it would show another command's help.
    std::optional<std::string> certain;
    /// To be reported if parsing fails: an unknown option, and the existing one nearest to it.
    std::optional<std::string> likely;
};
Misread misread_words(const CLI::App& app, int argc, const char* const* argv);

}  // namespace cairn::cli
