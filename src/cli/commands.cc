#include "cli/commands.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <iostream>
#include <new>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/option_checks.h"
#include "cli/shown_stream.h"
#include "cli/terminal.h"

namespace cairn::cli {

namespace {

constexpr int kFailed = 1;
constexpr int kMisused = 2;

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

void report(const Error& error, bool json, std::ostream& out, std::ostream& errors) {
    errors << "cairn: " << error.message << '\n';
    if (!json) return;
    const nlohmann::json object = {
        {"error", {{"kind", error_name(error.code)}, {"message", error.message}}}};
    out << object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
}

// Where parsing failed, no option has been taken over yet.
bool asks_for_json(int argc, const char* const* argv) {
    return std::any_of(argv + 1, argv + argc,
                       [](const char* word) { return std::string_view(word) == "--json"; });
}

void add_commands(CLI::App& app, Invocation& invocation) {
    add_demo(app, invocation);
    add_lab(app, invocation);
    add_train(app, invocation);
    add_plot(app, invocation);
    add_generate(app, invocation);
    add_chat(app, invocation);
    add_eval(app, invocation);
    add_embed(app, invocation);
    add_tokenize(app, invocation);
    add_model(app, invocation);
    add_bench(app, invocation);
    add_doctor(app, invocation);
    add_network(app, invocation);
    add_node(app, invocation);
    add_chain(app, invocation);
    add_explain(app, invocation);
    add_wallet(app, invocation);
    add_peers(app, invocation);
    check_numbers(app);
}

int parse_and_run(int argc, const char* const* argv, ShownStream& out, std::ostream& errors,
                  bool on_terminal) {
    CLI::App app("Cairn: train and use a language model together, owned by nobody.", "cairn");
    app.require_subcommand(1);
    app.set_version_flag("--version", "cairn 0.1.0");
    Invocation invocation;
    add_commands(app, invocation);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
        const auto word =
            problem.get_exit_code() == 0 ? std::nullopt : mistyped_word(app, argc, argv);
        const bool json = asks_for_json(argc, argv);
        if (word) {
            report(misused(*word), json, out, errors);
            return kMisused;
        }
        if (problem.get_exit_code() == 0) return app.exit(problem, out, errors);
        // CLI11 speaks on the stream for errors; a script hears it in JSON as well.
        if (json) {
            report(misused(problem.what()), json, out, errors);
            return kMisused;
        }
        app.exit(problem, out, errors);
        return kMisused;
    }
    if (!invocation.run) {
        errors << app.help();
        return kMisused;
    }
    out.set_exact((invocation.json || invocation.exact_text) && !on_terminal);
    const Status status = invocation.run(out);
    if (status.ok()) return invocation.exit_code;
    report(status.error(), invocation.json, out, errors);
    return status.error().code == ErrorCode::kMisused ? kMisused : kFailed;
}

// One line, whatever was thrown: by a library, or for want of memory.
int guarded(int argc, const char* const* argv, ShownStream& out, std::ostream& errors,
            bool on_terminal) {
    try {
        return parse_and_run(argc, argv, out, errors, on_terminal);
    } catch (const std::bad_alloc&) {
        report(Error{ErrorCode::kFull, "there is not enough memory for this"},
               asks_for_json(argc, argv), out, errors);
    } catch (const std::exception& problem) {
        report(
            Error{ErrorCode::kIo, std::string("this should not have happened: ") + problem.what()},
            asks_for_json(argc, argv), out, errors);
    }
    return kFailed;
}

}  // namespace

CLI::App* add_command(CLI::App& app, Invocation& invocation, const std::string& name,
                      const std::string& description, const std::string& example) {
    CLI::App* command = app.add_subcommand(name, description);
    command->footer("Example:\n  " + example);
    command->add_flag("--json", invocation.json, "Print one JSON object, for scripts");
    return command;
}

int run_command_line(int argc, const char* const* argv, std::ostream& out, std::ostream& errors) {
    const bool standard = &out == &std::cout;
    ShownStream shown(out);
    ShownStream complaints(errors);
    const int code = guarded(argc, argv, shown, complaints, standard && is_terminal(STDOUT_FILENO));
    const bool written = shown.finish() && (!standard || std::fflush(stdout) == 0);
    if (!written) complaints << "cairn: standard output could not be written\n";
    (void)complaints.finish();
    return written ? code : std::max(code, kFailed);
}

}  // namespace cairn::cli
