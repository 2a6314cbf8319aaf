// The terminal that the program was started on: given back as it was, however the program ends.
// Whoever changes it (a password that is not shown, the line editor of `chat`) does so through
// these.
#pragma once

#include <string>

#include "base/result.h"

namespace cairn::console {

/// Remembers how the terminal is and makes sure that it is so again at every end that a process
/// can see: return, exit, abort, and the signals that end one. Once, first thing in main().
void keep_terminal();

/// While one exists, the terminal's mode may differ from the original; any end restores it.
class ChangedTerminal {
  public:
    ChangedTerminal();
    ~ChangedTerminal();
    ChangedTerminal(const ChangedTerminal&) = delete;
    ChangedTerminal& operator=(const ChangedTerminal&) = delete;
};

/// Asks the terminal at `descriptor` to mark what is pasted (ESC [200~ ... ESC [201~), or no
/// longer; taken back at every end.
void mark_pastes(int descriptor, bool on);

/// Puts it back now, if it is changed. Safe in a signal handler.
void restore_terminal();
/// A signal handler: puts it back, and ends the process as the signal does that nobody handles.
void end_by_signal(int signal);

/// Opens /dev/null in place of standard streams that were closed when the process started. Else
/// the next file that is opened gets such a number, and output goes into that file: a database, a
/// model, a link to a peer. Called before anything else in main().
void reserve_closed_streams();

/// A line from standard input that is not shown while it is typed; the question goes to standard
/// error. kCancelled at the end of input; kRefused where there is no terminal to ask on.
Result<std::string> read_hidden(const std::string& question);

bool is_terminal(int descriptor);
/// How wide it is; 0 for what is no terminal or does not say.
std::size_t terminal_columns(int descriptor);

/// Not if the environment variable NO_COLOR is set to anything.
bool wants_colour();

}  // namespace cairn::console
