#include "cli/option_checks.h"

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/text.h"

namespace cairn::cli {

namespace {

std::string complaint(const Status& status) { return status.ok() ? "" : status.error().message; }

// CLI11 puts the option's name in front.
std::string check_whole(const std::string& text, bool may_be_negative) {
    const bool negative = may_be_negative && text.starts_with('-');
    const auto value = parse_whole(negative ? text.substr(1) : text, "it");
    return value.ok() ? "" : complaint(value.error());
}

std::string check_real(const std::string& text) {
    const auto value = parse_real(text, "it");
    return value.ok() ? "" : complaint(value.error());
}

void check_option(CLI::Option& option) {
    const std::string type = option.get_type_name();
    if (option.get_items_expected_max() == 0) return;  // a flag
    if (type.starts_with("FLOAT")) option.check(CLI::Validator(check_real, ""));
    if (type.starts_with("UINT"))
        option.check(
            CLI::Validator([](std::string& text) { return check_whole(text, false); }, ""));
    if (type.starts_with("INT"))
        option.check(CLI::Validator([](std::string& text) { return check_whole(text, true); }, ""));
}

// CLI11 keeps a group of options as a command without a name.
bool is_group(const CLI::App& app) { return app.get_name().empty(); }

std::vector<std::string> names_of_commands(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
        if (!is_group(*command)) names.push_back(command->get_name());
    return names;
}

std::vector<std::string> names_of_options(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::Option* option : app.get_options())
        for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const CLI::App* group : app.get_subcommands([](const CLI::App*) { return true; }))
        if (is_group(*group))
            for (std::string& name : names_of_options(*group)) names.push_back(std::move(name));
    return names;
}

std::string meant(const std::optional<std::string>& nearest) {
    return nearest ? "; did you mean '" + *nearest + "'?" : "";
}

const CLI::App* command_named(const CLI::App& app, const std::string& name) {
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
        if (command->get_name() == name) return command;
    return nullptr;
}

std::string full_name(const CLI::App& app) {
    return app.get_parent() == nullptr ? app.get_name()
                                       : full_name(*app.get_parent()) + " " + app.get_name();
}

}  // namespace

void check_numbers(CLI::App& app) {
    for (CLI::Option* option : app.get_options()) check_option(*option);
    for (CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
        check_numbers(*command);
}

std::optional<std::string> mistyped_word(const CLI::App& root, int argc, const char* const* argv) {
    const CLI::App* app = &root;
    int i = 1;
    for (; i < argc && !names_of_commands(*app).empty(); ++i) {
        const std::string word = argv[i];
        if (word.starts_with('-')) continue;
        const CLI::App* command = command_named(*app, word);
        if (command == nullptr)
            return full_name(*app) + " has no command '" + word + "'" +
                   meant(nearest_word(word, names_of_commands(*app))) + " `" + full_name(*app) +
                   " --help` lists them";
        app = command;
    }
    const std::vector<std::string> known = names_of_options(*app);
    for (; i < argc; ++i) {
        const std::string word = argv[i];
        if (word == "--") break;
        if (!word.starts_with("--")) continue;
        const std::string name = word.substr(0, word.find('='));
        if (std::find(known.begin(), known.end(), name) == known.end())
            return full_name(*app) + " has no option " + name + meant(nearest_word(name, known)) +
                   " `" + full_name(*app) + " --help` lists them";
    }
    return std::nullopt;
}

}  // namespace cairn::cli
