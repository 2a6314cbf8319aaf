#include "cli/commands.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <iostream>
#include <new>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/help_page.h"
#include "cli/option_checks.h"
#include "cli/options.h"
#include "console/json_line.h"
#include "console/shown_stream.h"
#include "console/terminal.h"

namespace cairn::cli {

namespace {

constexpr int kFailed = 1;
constexpr int kMisused = 2;

// What a message quotes of a file has no end of its own.
constexpr std::size_t kMaxMessageBytes = 2000;

void report(const Error& full, bool json, std::ostream& out, std::ostream& errors) {
    Error error = full;
    if (error.message.size() > kMaxMessageBytes)
        error.message = error.message.substr(0, kMaxMessageBytes) + "...";
    errors << "cairn: " << error.message << '\n';
    if (!json) return;
    const nlohmann::json object = {
        {"error", {{"kind", error_name(error.code)}, {"message", error.message}}}};
    out << console::json_line(object);
}

using Add = void (*)(const Command& app, Invocation& invocation);

/// The commands as --help lists them. The heading is CLI11's group.
void add_commands(CLI::App& app, Invocation& invocation) {
    const std::vector<std::pair<const char*, std::vector<Add>>> headings = {
        {"To try, check and measure", {add_demo, add_doctor, add_bench, add_lab}},
        {"Models on one machine",
         {add_train, add_plot, add_generate, add_chat, add_serve, add_eval, add_embed, add_tokenize,
          add_model}},
        {"Layers over several machines", {add_verify, add_servers, add_audit, add_trace}},
        {"Networks, the chain and its coins",
         {add_network, add_node, add_chain, add_explain, add_wallet, add_coin, add_timestamp,
          add_peers}}};
    for (const auto& [heading, commands] : headings)
        for (const Add add : commands) {
            add(Command(app), invocation);
            app.get_subcommands({}).back()->group(heading);
        }
}

// CLI11's message on one line, followed by what to do next.
std::string complaint(const CLI::ParseError& problem, const CLI::App& app, int argc,
                      const char* const* argv) {
    const CLI::App& command = command_of(app, argc, argv);
    const std::string help = "`" + full_name(command) + " --help`";
    if (command.get_require_subcommand_min() > 0 &&
        dynamic_cast<const CLI::RequiredError*>(&problem) != nullptr)
        return "name a command; " + help + " lists them";
    std::string said = printable_line(unprotected(problem.what()));
    while (said.ends_with(' ')) said.pop_back();
    // "--steps: 1 required UINT:UINT in [1 - 9] missing"
    if (const std::size_t name = said.find(": 1 required "); name != std::string::npos)
        said = said.substr(0, name) + " wants a value";
    // "what is required" of a word without dashes would be a sentence of another meaning.
    constexpr std::string_view kRequired = " is required";
    if (said.ends_with(kRequired) && said.front() != '-' &&
        said.find(' ') == said.size() - kRequired.size())
        said = "'" + said.substr(0, said.find(' ')) + "' is missing";
    return said + "; " + help + " says more";
}

// Whether --json was given. Errors must be JSON, too, even if the command line cannot be parsed.
bool wants_json(int argc, const char* const* argv) {
    for (int i = 1; i < argc && std::string_view(argv[i]) != "--"; ++i)
        if (std::string_view(argv[i]) == "--json") return true;
    return false;
}

int parse_and_run(int argc, const char* const* argv, console::ShownStream& out,
                  std::ostream& errors, bool on_terminal) {
    CLI::App app("Cairn: train and use a language model together, owned by nobody.", "cairn");
    set_help_page(app);
    app.require_subcommand(1);
    app.set_version_flag("--version", "cairn 0.1.0");
    app.footer("`cairn COMMAND --help` or `cairn help COMMAND` says more of one.");
    Invocation invocation;
    add_commands(app, invocation);
    check_values(app);
    const bool json = wants_json(argc, argv);
    const Misread misread = misread_words(app, argc, argv);
    if (misread.certain) {
        report(misused(*misread.certain), json, out, errors);
        return kMisused;
    }
    try {
        std::vector<std::string> words = protected_words(argc, argv);
        std::reverse(words.begin(), words.end());  // as CLI11 wants them
        app.parse(std::move(words));
    } catch (const CLI::ParseError& problem) {
        if (problem.get_exit_code() == 0) return app.exit(problem, out, errors);
        report(misused(misread.likely ? *misread.likely : complaint(problem, app, argc, argv)),
               json, out, errors);
        return kMisused;
    }
    if (!invocation.run) {
        errors << app.help();
        return kMisused;
    }
    invocation.on_terminal = on_terminal;
    const bool exact = invocation.json || invocation.exact_text;
    out.set_exact(exact && !on_terminal);
    if (on_terminal && !exact) out.set_columns(console::terminal_columns(STDOUT_FILENO));
    const Status status = invocation.run(out);
    if (status.ok()) return invocation.exit_code;
    report(status.error(), invocation.json, out, errors);
    return status.error().code == ErrorCode::kMisused ? kMisused : kFailed;
}

// `cairn help train` is `cairn train --help`.
std::vector<const char*> with_help_behind(int argc, const char* const* argv) {
    std::vector<const char*> words(argv, argv + argc);
    if (argc > 1 && std::string_view(argv[1]) == "help") {
        words.erase(words.begin() + 1);
        words.push_back("--help");
    }
    return words;
}

// Any exception (from a library, or because memory ran out) becomes a one-line error.
int guarded(int argc, const char* const* argv, console::ShownStream& out, std::ostream& errors,
            bool on_terminal) {
    const std::vector<const char*> words = with_help_behind(argc, argv);
    const int count = static_cast<int>(words.size());
    const bool json = wants_json(count, words.data());
    try {
        return parse_and_run(count, words.data(), out, errors, on_terminal);
    } catch (const std::bad_alloc&) {
        report({ErrorCode::kFull, "there is not enough memory for this"}, json, out, errors);
    } catch (const std::exception& problem) {
        report(invalid(std::string("this should not have happened: ") + problem.what()), json, out,
               errors);
    }
    return kFailed;
}

}  // namespace

const char* error_name(ErrorCode code) {
    switch (code) {
        case ErrorCode::kInvalid:
            return "invalid";
        case ErrorCode::kNotFound:
            return "not_found";
        case ErrorCode::kIo:
            return "io";
        case ErrorCode::kFull:
            return "full";
        case ErrorCode::kRefused:
            return "refused";
        case ErrorCode::kTimeout:
            return "timeout";
        case ErrorCode::kUnsupported:
            return "unsupported";
        case ErrorCode::kCancelled:
            return "cancelled";
        case ErrorCode::kMisused:
            return "misused";
    }
    return "unknown";
}

Command add_command(const Command& app, Invocation& invocation, const std::string& name,
                    const std::string& description, const std::string& example) {
    const Command command = app.add_subcommand(name, description);
    command.footer("Example:\n  " + example);
    command.add_flag("--json", invocation.json, "Print one JSON object, for scripts");
    return command;
}

int run_command_line(int argc, const char* const* argv, std::ostream& out, std::ostream& errors) {
    const bool standard = &out == &std::cout;
    console::ShownStream shown(out);
    console::ShownStream complaints(errors);
    if (&errors == &std::cerr) complaints.set_columns(console::terminal_columns(STDERR_FILENO));
    const int code =
        guarded(argc, argv, shown, complaints, standard && console::is_terminal(STDOUT_FILENO));
    const bool written = shown.finish() && (!standard || std::fflush(stdout) == 0);
    if (!written) complaints << "cairn: standard output could not be written\n";
    (void)complaints.finish();
    return written ? code : std::max(code, kFailed);
}

}  // namespace cairn::cli
