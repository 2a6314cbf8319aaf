// The commands of the program. Each lives in a file of its own, `<name>_command.cc`, which
// describes its options in add_<name>() and does the work in run_<name>(). A new command
// is one such file, a line here and a line in commands.cc.
#pragma once

#include <functional>
#include <iosfwd>
#include <string>

#include "base/result.h"
#include "cli/options.h"

namespace cairn::cli {

/// What the command line asked for: filled in while CLI11 parses, run afterwards, so that no
/// command runs inside the parser.
struct Invocation {
    std::function<Status(std::ostream& out)> run;
    bool json = false;  ///< results, and errors too, as one JSON object on standard output
    /// Prints text that must reach a file or a pipe byte for byte. On a terminal, and wherever this
    /// is not set, what could act on a terminal is replaced (base/text.h).
    bool exact_text = false;
    bool on_terminal = false;  ///< what is printed goes to a terminal
    int exit_code = 0;         ///< set by a command that worked, but found something wrong
};

// The whole thing at once.
void add_demo(const Command& app, Invocation& invocation);
void add_lab(const Command& app, Invocation& invocation);

// One machine.
void add_train(const Command& app, Invocation& invocation);
void add_plot(const Command& app, Invocation& invocation);
void add_generate(const Command& app, Invocation& invocation);
void add_serve(const Command& app, Invocation& invocation);
void add_chat(const Command& app, Invocation& invocation);
void add_eval(const Command& app, Invocation& invocation);
void add_embed(const Command& app, Invocation& invocation);
void add_tokenize(const Command& app, Invocation& invocation);
void add_model(const Command& app, Invocation& invocation);
void add_bench(const Command& app, Invocation& invocation);
void add_doctor(const Command& app, Invocation& invocation);

// Layers over several machines, and what they are worth.
void add_verify(const Command& app, Invocation& invocation);
void add_servers(const Command& app, Invocation& invocation);
void add_audit(const Command& app, Invocation& invocation);
void add_trace(const Command& app, Invocation& invocation);

// Networks, nodes, the chain and its coins.
void add_network(const Command& app, Invocation& invocation);
void add_node(const Command& app, Invocation& invocation);
void add_chain(const Command& app, Invocation& invocation);
void add_explain(const Command& app, Invocation& invocation);
void add_wallet(const Command& app, Invocation& invocation);
void add_coin(const Command& app, Invocation& invocation);
void add_timestamp(const Command& app, Invocation& invocation);
void add_peers(const Command& app, Invocation& invocation);

/// The kind of an error, as JSON has it.
const char* error_name(ErrorCode code);

/// A subcommand with its description, an example for --help, and --json.
Command add_command(const Command& app, Invocation& invocation, const std::string& name,
                    const std::string& description, const std::string& example);

/// Parses, runs, reports. The process's exit code: 0, 1 failed (also where standard output could
/// not be written), 2 misused. Nothing is thrown out of it.
int run_command_line(int argc, const char* const* argv, std::ostream& out, std::ostream& errors);

}  // namespace cairn::cli
