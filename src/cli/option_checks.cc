#include "cli/option_checks.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/text.h"
#include "cli/options.h"
#include "net/address.h"
#include "net/relay_messages.h"

namespace cairn::cli {

namespace {

// CLI11 puts the option's name in front.
std::string check_whole(const std::string& text, bool may_be_negative) {
    const bool negative = may_be_negative && text.starts_with('-');
    const auto value = parse_whole(negative ? text.substr(1) : text, "it");
    return value.ok() ? "" : value.error().message;
}

std::string check_real(const std::string& text) {
    const auto value = parse_real(text, "it");
    return value.ok() ? "" : value.error().message;
}

constexpr char kShield = '\x1e';

// "]" with any number of shields behind it.
bool ends_a_list(std::string_view word) {
    const std::size_t last = word.find_last_not_of(kShield);
    return last != std::string_view::npos && word[last] == ']';
}

bool names_files(const CLI::Option& option) {
    for (const char* name : {"--out",
                             "--log",
                             "--valid",
                             "--init",
                             "--resume",
                             "--file",
                             "--against",
                             "--prompts",
                             "--model",
                             "--tokenizer",
                             "--token-file",
                             "--draft",
                             "--book",
                             "--exhibits",
                             "--keep",
                             "--session",
                             "--history",
                             "--password-file",
                             "--passphrase-file",
                             "--words-file",
                             "exhibit",
                             "logs",
                             "models",
                             "proof",
                             "session",
                             "shares"})
        if (option.check_name(name)) return true;
    return false;
}

// Whom to connect to: what is wrong with it, in words.
std::string check_server(const std::string& text) {
    if (net::is_relayed(text)) {
        const auto relayed = net::parse_relayed(text);
        return relayed.ok() ? "" : relayed.error().message;
    }
    const auto address = net::parse_peer_address(text);
    return address.ok() ? "" : address.error().message;
}

bool names_server(const CLI::Option& option) {
    return option.check_name("--server") || option.check_name("--node");
}

void check_option(CLI::Option& option) {
    const std::string type = option.get_type_name();
    if (option.get_items_expected_max() == 0) return;  // a flag
    // Before every other check.
    option.transform(CLI::Validator(
        [](std::string& text) {
            if (text.ends_with(kShield) && ends_a_list(text)) text.pop_back();
            return std::string();
        },
        ""));
    if (names_files(option))
        option.check(CLI::Validator(
            [](std::string& text) {
                return std::string(text.empty() ? "it is empty: name a file; is a variable not set?"
                                                : "");
            },
            ""));
    if (names_server(option))
        option.check(CLI::Validator([](std::string& text) { return check_server(text); }, ""));
    if (option.check_name("--api"))  // of a node too, which may take any free port
        option.check(CLI::Validator(
            [](std::string& text) {
                const auto address = net::parse_address(text);
                return address.ok() ? std::string() : address.error().message;
            },
            ""));
    const bool has_range = type.find(':') != std::string::npos;  // what a check of it calls itself
    CHECK(has_range || !(type.starts_with("UINT") || type.starts_with("INT")));
    if (type.starts_with("FLOAT")) option.check(CLI::Validator(check_real, ""));
    if (type.starts_with("UINT"))
        option.check(
            CLI::Validator([](std::string& text) { return check_whole(text, false); }, ""));
    if (type.starts_with("INT"))
        option.check(CLI::Validator([](std::string& text) { return check_whole(text, true); }, ""));
}

// A command's own options, and those of its option groups, which in CLI11 are nameless commands.
std::vector<const CLI::Option*> options_of(const CLI::App& app) {
    std::vector<const CLI::Option*> options = app.get_options();
    for (const CLI::App* group : app.get_subcommands([](const CLI::App*) { return true; }))
        if (group->get_name().empty())
            for (const CLI::Option* option : group->get_options()) options.push_back(option);
    return options;
}

std::vector<std::string> names_of_commands(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
        if (!command->get_name().empty()) names.push_back(command->get_name());
    return names;
}

const CLI::App* command_named(const CLI::App& app, const std::string& name) {
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
        if (command->get_name() == name) return command;
    return nullptr;
}

std::vector<std::string> names_of_options(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::Option* option : options_of(app))
        for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    return names;
}

// What people type who know other programs, and what does that here.
std::optional<std::string> known_elsewhere(const CLI::App& app, const std::string& word) {
    if (app.get_parent() != nullptr) return std::nullopt;
    if (word == "run")
        return "`cairn chat FILE` talks with a model, `cairn generate` goes on with a text";
    if (word == "pull")
        return "models are files, which you fetch yourself (docs/models.md); `cairn serve FILE` "
               "serves them";
    if (word == "list" || word == "ls" || word == "ps" || word == "models")
        return "`cairn model list` shows what `cairn serve` has";
    if (word == "show") return "`cairn model info --model FILE` describes a model";
    if (word == "stop") return "Ctrl-C ends `cairn serve`, which also makes room for other models";
    return std::nullopt;
}

std::string meant(const std::optional<std::string>& nearest) {
    return nearest ? "; did you mean '" + *nearest + "'?" : ";";
}

// The only option that begins with `word`; if there is none, the one with the smallest difference.
std::optional<std::string> nearest_option(const std::string& word,
                                          const std::vector<std::string>& known) {
    std::optional<std::string> longer;
    for (const std::string& name : known)
        if (name.starts_with(word) && word.size() > 3) {
            if (longer) return std::nullopt;  // it may be either
            longer = name;
        }
    return longer ? longer : nearest_word(word, known);
}

// If `word` looks like a long option (also with only one dash) that is not in `known`: its name.
std::optional<std::string> unknown_option(const std::string& word,
                                          const std::vector<std::string>& known) {
    const bool one_dash = word.size() > 2 && word[0] == '-' && word[1] != '-' &&
                          word.find_first_of("0123456789. ") == std::string::npos;
    if (!word.starts_with("--") && !one_dash) return std::nullopt;
    const std::string name = (one_dash ? "-" : "") + word.substr(0, word.find('='));
    if (!one_dash && std::find(known.begin(), known.end(), name) != known.end())
        return std::nullopt;
    return name;
}

const CLI::Option* option_named(const CLI::App& app, const std::string& word) {
    for (const CLI::Option* option : options_of(app))
        if (word.size() > 1 && word.starts_with('-') && option->check_name(word)) return option;
    return nullptr;
}

struct Words {
    const CLI::App* command;
    int rest;                            // where the command's own words begin
    std::optional<std::string> unknown;  // a word where a command should be
};

Words find_command(const CLI::App& root, int argc, const char* const* argv) {
    const CLI::App* app = &root;
    int i = 1;
    for (; i < argc && !names_of_commands(*app).empty(); ++i) {
        const std::string word = argv[i];
        if (word.starts_with('-')) {
            const CLI::Option* option = option_named(*app, word);
            if (option != nullptr && option->get_items_expected_max() > 0) ++i;
            continue;
        }
        const CLI::App* command = command_named(*app, word);
        if (command == nullptr) return {app, i, word};
        app = command;
    }
    return {app, i, std::nullopt};
}

}  // namespace

Check height_or_best() {
    return Check(
        [](const std::string& text) {
            if (text == "best") return std::string();
            const auto height = parse_whole(text, "it");
            return height.ok() ? "" : "a height or best is wanted: " + height.error().message;
        },
        "");
}

Check any_seed() {
    // CLI11's own range would take -1 for the greatest, and what is too large as well.
    return Check(
        [](const std::string& text) {
            constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
            return parse_whole(text, "it").ok()
                       ? std::string()
                       : "Value " + text + " not in range 0 to " + std::to_string(kMost);
        },
        "64 bits");
}

std::vector<std::string> protected_words(int argc, const char* const* argv) {
    std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
    for (std::string& word : words)
        if (ends_a_list(word)) word += kShield;
    return words;
}

std::string unprotected(std::string message) {
    std::erase(message, kShield);
    return message;
}

void check_values(CLI::App& app) {
    for (CLI::Option* option : app.get_options()) check_option(*option);
    for (CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
        check_values(*command);
}

const CLI::App& command_of(const CLI::App& app, int argc, const char* const* argv) {
    return *find_command(app, argc, argv).command;
}

std::string full_name(const CLI::App& app) {
    return app.get_parent() == nullptr ? app.get_name()
                                       : full_name(*app.get_parent()) + " " + app.get_name();
}

Misread misread_words(const CLI::App& root, int argc, const char* const* argv) {
    const Words found = find_command(root, argc, argv);
    const CLI::App& app = *found.command;
    const std::string help = " `" + full_name(app) + " --help` lists them";
    Misread misread;
    if (found.unknown) {
        if (const auto here = known_elsewhere(app, *found.unknown)) {
            misread.certain = full_name(app) + " has no command '" + *found.unknown + "'; " + *here;
            return misread;
        }
        misread.certain = full_name(app) + " has no command '" + *found.unknown + "'" +
                          meant(nearest_word(*found.unknown, names_of_commands(app))) + help;
        return misread;
    }
    const std::vector<std::string> known = names_of_options(app);
    for (int i = found.rest; i < argc && std::string_view(argv[i]) != "--"; ++i) {
        const std::string word = argv[i];
        const CLI::Option* option = option_named(app, word);
        if (option != nullptr && option->get_items_expected_max() == 0) continue;
        if (option != nullptr) {
            if (++i < argc && !misread.certain && option_named(app, argv[i]) != nullptr)
                misread.certain = word + " has no value: " + argv[i] +
                                  " is an option; if that is meant, write " + word + "=" + argv[i];
        } else if (const auto name = unknown_option(word, known); name && !misread.likely) {
            misread.likely = full_name(app) + " has no option " + word.substr(0, word.find('=')) +
                             meant(nearest_option(*name, known)) + help;
        }
    }
    return misread;
}

}  // namespace cairn::cli
