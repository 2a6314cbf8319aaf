#include "cli/help_page.h"

#include <algorithm>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/text.h"
#include "console/screen_text.h"

namespace cairn::cli {

namespace {

// An option group stands two columns further to the right.
constexpr std::size_t kGroupIndent = 2;
// The lines of an example behind its first one.
constexpr std::size_t kExampleIndent = 6;
// A bound beyond this is none that somebody who reads the page comes near to.
constexpr double kNoBound = 1 << 20;
// Of options that exclude most others no list is shown.
constexpr std::size_t kMostNames = 3;
// Longer lists of words stand behind the description.
constexpr std::size_t kLongestWords = 24;

std::string wrapped(const std::string& text, std::size_t columns) {
    std::string lines;
    for (const std::string& line : console::wrap(text, columns, 0))
        lines += (lines.empty() ? "" : "\n") + line;
    return lines;
}

/// A line of examples. What has no place on it goes on in the next one, as a shell reads it.
std::string example_lines(const std::string& line) {
    if (line.size() <= kHelpColumns) return line;
    if (!line.starts_with("  ")) return wrapped(line, kHelpColumns);
    const std::string next = "\n" + std::string(kExampleIndent, ' ');
    if (const std::size_t gap = line.find("   ("); gap != std::string::npos)
        return example_lines(line.substr(0, line.find_last_not_of(' ', gap) + 1)) + next +
               line.substr(line.find('(', gap));
    std::size_t end = line.rfind(" --", kHelpColumns - 2);
    if (end == std::string::npos || end < kExampleIndent) end = line.rfind(' ', kHelpColumns - 2);
    if (end == std::string::npos || end < kExampleIndent) return line;
    return line.substr(0, end) + " \\\n" +
           example_lines(std::string(kExampleIndent, ' ') + line.substr(end + 1));
}

/// What CLI11 calls the values of an option: "UINT:UINT in [1 - 64]" is a type and a restriction.
struct Values {
    std::string type;
    std::string restriction;
};

Values values_of(const CLI::Option& option) {
    const std::string name = option.get_type_name();
    const std::size_t colon = name.find(':');
    if (colon == std::string::npos) return {name, ""};
    return {name.substr(0, colon), name.substr(colon + 1)};
}

bool is_list_of_words(const std::string& restriction) { return restriction.starts_with('{'); }

/// "{a,b}" as "a|b" or "a, b".
std::string words_in(const std::string& restriction, const std::string& between) {
    std::string words;
    for (std::size_t at = 1; at < restriction.size(); ++at) {
        if (restriction[at] == ',') words += between;
        if (restriction[at] != ',' && restriction[at] != '}') words += restriction[at];
    }
    return words;
}

std::string word_for(const Values& values) {
    if (is_list_of_words(values.restriction) && values.restriction.size() <= kLongestWords)
        return words_in(values.restriction, "|");
    if (values.restriction == "FILE") return "FILE";
    if (values.restriction.starts_with("PATH")) return "PATH";
    if (values.type == "UINT" || values.type == "INT") return "N";
    if (values.type == "FLOAT") return "NUMBER";
    return values.type;
}

/// "UINT in [1 - 64]" as "1 to 64"; nothing where there is nothing to know.
std::string range_in(const std::string& restriction) {
    const std::size_t open = restriction.find(" in [");
    const std::size_t middle = restriction.find(" - ");
    if (open == std::string::npos || middle == std::string::npos) return "";
    const std::string least = restriction.substr(open + 5, middle - open - 5);
    const std::string most = restriction.substr(middle + 3, restriction.size() - middle - 4);
    const auto bound = parse_real(most, "it");
    if (bound.ok() && *bound < kNoBound) return least + " to " + most;
    return least == "0" ? "" : least + " or more";
}

std::string restriction_words(const Values& values) {
    if (is_list_of_words(values.restriction))
        return values.restriction.size() <= kLongestWords ? "" : words_in(values.restriction, ", ");
    return range_in(values.restriction);
}

/// "needs --pay", by name, so that a page is the same each time; but for those of which the
/// description speaks.
std::string others(const std::string& relation, const std::set<CLI::Option*>& options,
                   const std::string& description) {
    if (options.size() > kMostNames) return "";
    std::set<std::string> names;
    for (const CLI::Option* option : options)
        if (description.find(option->get_name()) == std::string::npos)
            names.insert(option->get_name());
    if (names.empty()) return "";
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? " " : ", ") + name;
    return relation + text;
}

class HelpPage : public CLI::Formatter {
  public:
    std::string make_option_opts(const CLI::Option* option) const override {
        if (option->get_type_size() == 0) return "";
        const bool many = option->get_expected_max() == CLI::detail::expected_max_vector_size;
        return " " + word_for(values_of(*option)) + (many ? " ..." : "");
    }

    std::string make_option_desc(const CLI::Option* option) const override {
        std::vector<std::string> facts;
        if (option->get_required()) facts.emplace_back("required");
        if (option->get_type_size() != 0) {
            if (!option->get_default_str().empty())
                facts.push_back("default " + option->get_default_str());
            facts.push_back(restriction_words(values_of(*option)));
        }
        std::string text = option->get_description();
        facts.push_back(others("needs", option->get_needs(), text));
        facts.push_back(others("not with", option->get_excludes(), text));
        std::erase(facts, "");
        for (std::size_t i = 0; i < facts.size(); ++i) text += (i == 0 ? " [" : "; ") + facts[i];
        return wrapped(text + (facts.empty() ? "" : "]"), text_columns());
    }

    std::string make_subcommand(const CLI::App* command) const override {
        std::string name = "  " + command->get_display_name(true);
        name.resize(std::max(name.size() + 1, get_column_width()), ' ');
        const auto lines =
            console::wrap(name + command->get_description(), kHelpColumns, get_column_width());
        std::string text;
        for (const std::string& line : lines) text += line + "\n";
        return text;
    }

    std::string make_description(const CLI::App* command) const override {
        std::string text = CLI::Formatter::make_description(command);
        if (text.ends_with('\n')) text.pop_back();
        return text.empty() ? text : wrapped(text, kHelpColumns - kGroupIndent) + "\n";
    }

    std::string make_footer(const CLI::App* command) const override {
        std::istringstream lines(command->get_footer());
        std::string text;
        for (std::string line; std::getline(lines, line);) text += example_lines(line) + "\n";
        return text;
    }

  private:
    std::size_t text_columns() const { return kHelpColumns - kGroupIndent - get_column_width(); }
};

}  // namespace

void set_help_page(CLI::App& app) { app.formatter(std::make_shared<HelpPage>()); }

}  // namespace cairn::cli
