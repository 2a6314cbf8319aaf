#include "cli/commands.h"

#include <iostream>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

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

}  // namespace

CLI::App* add_command(CLI::App& app, Invocation& invocation, const std::string& name,
                      const std::string& description, const std::string& example) {
    CLI::App* command = app.add_subcommand(name, description);
    command->footer("Example:\n  " + example);
    command->add_flag("--json", invocation.json, "Print one JSON object, for scripts");
    return command;
}

int run_command_line(int argc, const char* const* argv, std::ostream& out, std::ostream& errors) {
    CLI::App app("Cairn: train and use a language model together, owned by nobody.", "cairn");
    app.require_subcommand(1);
    app.set_version_flag("--version", "cairn 0.1.0");
    Invocation invocation;
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
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
        const int code = app.exit(problem, out, errors);
        return code == 0 ? 0 : kMisused;
    }
    if (!invocation.run) {
        errors << app.help();
        return kMisused;
    }
    const Status status = invocation.run(out);
    out.flush();
    if (status.ok()) return invocation.exit_code;
    report(status.error(), invocation.json, out, errors);
    return kFailed;
}

}  // namespace cairn::cli
