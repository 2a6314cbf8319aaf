// What holds for every command: mistyped words are answered, numbers are numbers, output that
// cannot be written is a failure, and no text of a file acts on the terminal.
#include "cli/commands.h"
#include "cli/options.h"

#include <algorithm>
#include <ostream>
#include <sstream>

#include <gtest/gtest.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/help_page.h"
#include "cli/option_checks.h"
#include "cli/test_run.h"
#include "console/shown_stream.h"

namespace cairn::cli {
namespace {

TEST(Commands, AMistypedWordIsNamedWithTheNearest) {
    const auto said = [](std::vector<std::string> arguments) {
        const Outcome outcome = run(std::move(arguments));
        EXPECT_EQ(outcome.code, 2);
        return outcome.errors;
    };
    EXPECT_NE(said({"generat", "--model", "x"}).find("did you mean 'generate'?"),
              std::string::npos);
    EXPECT_NE(said({"wallet", "creat"}).find("did you mean 'create'?"), std::string::npos);
    EXPECT_NE(said({"train", "--stpes", "3"}).find("did you mean '--steps'?"), std::string::npos);
    EXPECT_NE(said({"train", "--stpes=3"}).find("no option --stpes"), std::string::npos);
    EXPECT_NE(said({"zzzzzz"}).find("no command 'zzzzzz'"), std::string::npos);
    EXPECT_EQ(said({"a\x1b[31m"}).find('\x1b'), std::string::npos);
}

TEST(Commands, HelpIsThatOfTheCommandThatWasMeant) {
    for (const std::vector<std::string>& line : std::vector<std::vector<std::string>>{
             {"train", "--help"}, {"help", "train"}, {"train", "-h"}}) {
        const Outcome outcome = run(line);
        EXPECT_EQ(outcome.code, 0);
        EXPECT_NE(outcome.out.find("Usage: cairn train"), std::string::npos);
        EXPECT_NE(outcome.out.find("--valid-every"), std::string::npos);
    }
    EXPECT_EQ(run({"help"}).out, run({"--help"}).out);
    EXPECT_EQ(run({"-h"}).code, 0);
    for (const std::vector<std::string>& line : std::vector<std::vector<std::string>>{
             {"trian", "--help"}, {"help", "trian"}, {"wallet", "creat", "--help"}}) {
        const Outcome outcome = run(line);
        EXPECT_EQ(outcome.code, 2);
        EXPECT_NE(outcome.errors.find("did you mean"), std::string::npos) << outcome.errors;
    }
}

/// What a page of --help lists under the headings of commands.
std::vector<std::string> commands_in(const std::string& page) {
    std::vector<std::string> names;
    bool listed = false;
    std::istringstream lines(page);
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with(' '))
            listed = line.ends_with(':') && line != "Options:" && line != "Positionals:" &&
                     line != "Example:";
        else if (listed && line[2] != ' ')
            names.push_back(line.substr(2, line.find(' ', 2) - 2));
    }
    return names;
}

TEST(Commands, HelpOfEachHasEightyColumnsAndAnExample) {
    std::vector<std::vector<std::string>> todo{{}};
    std::size_t pages = 0;
    while (!todo.empty()) {
        const std::vector<std::string> words = todo.back();
        todo.pop_back();
        std::vector<std::string> asked = words;
        asked.emplace_back("--help");
        const Outcome page = run(asked);
        EXPECT_EQ(page.code, 0);
        std::istringstream lines(page.out);
        for (std::string line; std::getline(lines, line);)
            EXPECT_TRUE(line.size() <= kHelpColumns && !line.ends_with(' ')) << line;
        const std::vector<std::string> commands = commands_in(page.out);
        for (const std::string& name : commands) {
            todo.push_back(words);
            todo.back().push_back(name);
        }
        EXPECT_TRUE(!commands.empty() || page.out.find("\nExample:\n  cairn ") != std::string::npos)
            << page.out;
        ++pages;
    }
    EXPECT_GT(pages, 90U);
}

TEST(Commands, HelpSaysWhatAnOptionTakes) {
    std::string page = run({"train", "--help"}).out;
    for (const char* line :
         {"\n  --steps N                   Optimiser steps [default 1000; 1 or more; not\n"
          "                              with --minutes, --resume]\n",
          "\n  --text TEXT ...             Text files to learn from [not with --pairs]\n"})
        EXPECT_NE(page.find(line), std::string::npos) << line << page;
    page = run({"demo", "--help"}).out;
    EXPECT_NE(page.find("  --work sha256d|argon2id     "), std::string::npos) << page;
    page = run({"plot", "--help"}).out;
    EXPECT_NE(page.find("  --out TEXT                  SVG file to write [required]\n"),
              std::string::npos)
        << page;
}

// Whatever is wrong with a line: exit 2, "cairn: ", one line, what to do; with --json an object.
TEST(Commands, EveryMisusedLineIsAnsweredAlike) {
    const std::vector<std::pair<std::vector<std::string>, std::string>> lines = {
        {{}, "name a command"},
        {{"wallet"}, "name a command"},
        {{"train", "text.txt"}, "text.txt"},
        {{"train", "-steps", "3"}, "did you mean '--steps'?"},
        {{"generate", "--temp", "1"}, "did you mean '--temperature'?"},
        {{"train", "--text", "--out", "x"}, "write --text=--out"},
        {{"chat", "--model", "--json"}, "write --model=--json"},
        {{"train", "--steps", "abc"}, "--steps"},
        {{"train", "--steps", "1", "--minutes", "2"}, "--minutes"},
        {{"eval"}, "--model FILE"},
        {{"explain"}, "'what' is missing"},
        {{"tokenize", "--train", "--out", "x"}, "write --train=--out"},
        {{"tokenize", "--tokenizr", "x"}, "did you mean '--tokenizer'?"},
        {{"plot", "a", "--out", "b", "--by", "days"}, "minutes"},
        {{"train", "--zzzzzzzz"}, "no option --zzzzzzzz; `cairn train --help`"}};
    for (auto [line, word] : lines) {
        const Outcome outcome = run(line);
        EXPECT_EQ(outcome.code, 2) << word;
        EXPECT_TRUE(outcome.errors.starts_with("cairn: ")) << outcome.errors;
        EXPECT_EQ(std::count(outcome.errors.begin(), outcome.errors.end(), '\n'), 1);
        EXPECT_NE(outcome.errors.find(word), std::string::npos) << outcome.errors;
        line.emplace_back("--json");
        EXPECT_EQ(run(line).json()["error"]["kind"], "misused") << word;
    }
}

TEST(Commands, EveryNumericOptionRefusesWhatIsNoNumber) {
    CLI::App app("all", "cairn");
    Invocation invocation;
    add_train(Command(app), invocation);
    add_generate(Command(app), invocation);
    add_node(Command(app), invocation);
    check_values(app);
    std::size_t tried = 0;
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
        for (const CLI::Option* option : command->get_options()) {
            const std::string type = option->get_type_name();
            if (option->get_items_expected_max() == 0 ||
                (!type.starts_with("FLOAT") && !type.starts_with("UINT")))
                continue;
            for (const char* bad : {"nan", "", "inf", "12x", "--"}) {
                const Outcome outcome = run({command->get_name(), option->get_name() + "=" + bad});
                EXPECT_EQ(outcome.code, 2) << command->get_name() << option->get_name() << bad;
                EXPECT_NE(outcome.errors.find(option->get_name()), std::string::npos)
                    << outcome.errors;
                ++tried;
            }
        }
    EXPECT_GT(tried, 100u);
}

TEST(Commands, WithJsonEveryFailureIsOneObject) {
    for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
             {"chain", "block", "--json"},
             {"chain", "infos", "--json"},
             {"wallet", "send", "--json", "--fee", "1"},
             {"explain", "4", "--max", "nan", "--json"},
             {"node", "--json", "--threads", "0"},
             {"network", "create", "--json", "--judge", "/nonexistent", "--report", "x"},
             {"peers", "one", "too many", "--json"}}) {
        const Outcome outcome = run(arguments);
        EXPECT_EQ(outcome.code, 2);
        ASSERT_TRUE(outcome.json().is_object()) << outcome.out << outcome.errors;
        EXPECT_EQ(outcome.json()["error"]["kind"], "misused");
        EXPECT_FALSE(outcome.errors.empty());
    }
    EXPECT_EQ(run({"chain", "block"}).out, "") << "without it, nothing on standard output";
}

TEST(Commands, AFolderWithoutANameIsRefused) {
    for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
             {"wallet", "create", "--no-password"},
             {"wallet", "restore", "--words", "x"},
             {"chain", "info"},
             {"explain", "4"},
             {"peers"},
             {"node"},
             {"doctor"},
             {"lab", "attacks"},
             {"network", "create", "--judge", "/dev/null", "--report", "/dev/null"}}) {
        std::vector<std::string> arguments = command;
        arguments.insert(arguments.end(), {"--dir", ""});
        const Outcome outcome = run(arguments);
        EXPECT_EQ(outcome.code, 2) << command[0];
        EXPECT_NE(outcome.errors.find("is a variable not set?"), std::string::npos)
            << outcome.errors;
    }
}

TEST(Commands, AFileWithoutANameIsRefusedBeforeTheWork) {
    for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
             {"train", "--text", "a.txt", "--out", ""},
             {"train", "--text", "a.txt", "--out", "a.cairn", "--log", ""},
             {"plot", "a.jsonl", "--out", ""},
             {"plot", "", "--out", "a.svg"},
             {"eval", "--model", "", "--text", "a.txt"},
             {"model", "info", "--model", ""},
             {"model", "convert", "--model", "a.gguf", "--out", ""},
             {"model", "verify", "--model", "a.gguf", "--against", ""},
             {"tokenize", "--tokenizer", "", "--text", "a"},
             {"embed", "", "a"},
             {"bench", "--model", ""},
             {"verify", "--model", "m", "--text", "t", "--keep", ""},
             {"audit", "judge", "", "--model", "m"},
             {"audit", "prove", "", "--model", "m"},
             {"audit", "check", "", "--session", "s", "--model", "m"},
             {"audit", "check", "p", "--session", "", "--model", "m"},
             {"audit", "combine", "p", ""},
             {"lab", "gradients", "--out", ""}}) {
        const Outcome outcome = run(command);
        EXPECT_EQ(outcome.code, 2) << command[0];
        EXPECT_NE(outcome.errors.find("it is empty: name a file"), std::string::npos)
            << command[0] << ' ' << outcome.errors;
    }
}

TEST(Commands, WordsInBracketsAreWhatTheyAre) {
    const std::string missing = "/nowhere/[a,b]";
    EXPECT_NE(run({"plot", missing, "--out", "a.svg"}).errors.find(missing), std::string::npos);
    for (const std::string name : {"[a,b]", "[]", "[a]\x1e", "[[a]]"}) {
        const Outcome outcome = run({"plot", name, "--out", "a.svg"});
        const std::string shown = name.substr(0, name.find('\x1e'));
        EXPECT_NE(outcome.errors.find("cannot open " + shown), std::string::npos) << outcome.errors;
    }
    EXPECT_NE(run({"tokenize", "--tokenizer", "a.tok", "--decode", "[1,2]"}).errors.find("[1,2]"),
              std::string::npos);
    EXPECT_NE(run({"plot", "a.jsonl", "--out", "a.svg", "--mark", "[1,2]"}).errors.find("[1,2]"),
              std::string::npos);
}

TEST(Commands, AnOptionAtTheEndWantsAValue) {
    EXPECT_NE(run({"chat", "--model", "a.gguf", "--steps"}).errors.find("--steps wants a value;"),
              std::string::npos);
}

// A stream into a full disk.
class FullBuffer final : public std::streambuf {
    int_type overflow(int_type) override { return traits_type::eof(); }
};

TEST(Commands, OutputThatCannotBeWrittenIsAFailure) {
    FullBuffer full;
    std::ostream out(&full);
    std::ostringstream errors;
    for (const char* argument : {"--version", "--help"}) {
        const char* argv[] = {"cairn", argument};
        EXPECT_EQ(run_command_line(2, argv, out, errors), 1) << argument;
    }
    EXPECT_NE(errors.str().find("standard output could not be written"), std::string::npos);
}

TEST(ShownStream, CleansUnlessTextMustBeExact) {
    std::ostringstream target;
    console::ShownStream shown(target);
    shown << "a\x1b[2J" << '\x07' << "\xE2\x82";
    shown << "\xAC\n";
    EXPECT_TRUE(shown.finish());
    EXPECT_EQ(target.str(), "a\xEF\xBF\xBD[2J\xEF\xBF\xBD\xE2\x82\xAC\n");
    std::ostringstream file;
    console::ShownStream exact(file);
    exact.set_exact(true);
    exact << "a\x1b\xFF";
    EXPECT_TRUE(exact.finish());
    EXPECT_EQ(file.str(), "a\x1b\xFF");
}

TEST(ShownStream, BreaksLinesBetweenWordsOfATerminal) {
    std::ostringstream target;
    console::ShownStream shown(target);
    shown.set_columns(20);
    shown << "short\n  one two three four five\n";
    shown << "whole `cairn wallet rescan --gap 5` is\nNext: cairn node --dir a --mine --listen b\n";
    shown << "a table          of words\n";
    shown << "not begun " << std::flush << "by us, so it is as it was\nend of it all, said in full";
    EXPECT_TRUE(shown.finish());
    EXPECT_EQ(target.str(),
              "short\n  one two three four\n  five\n"
              "whole\n`cairn wallet rescan --gap 5`\nis\n"
              "Next:\ncairn node --dir a --mine --listen b\n"
              "a table          of\nwords\n"
              "not begun by us, so it is as it was\nend of it all, said in full");
}

}  // namespace
}  // namespace cairn::cli
