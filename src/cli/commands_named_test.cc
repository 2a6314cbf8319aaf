// Proves that every `cairn` command which messages, comments or the documentation tell people to
// run exists, and has the options named there.
#include <gtest/gtest.h>

#include <cctype>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "base/test_data.h"
#include "cli/test_run.h"

namespace cairn::cli {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

// Files in which commands are named: sources (their messages) and pages for people.
std::vector<fs::path> places() {
    const fs::path root = source_folder();
    std::vector<fs::path> found{root / "README.md", root / "ARCHITECTURE.md"};
    for (const char* folder : {"src", "docs"})
        for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
            const std::string name = entry.path().filename().string();
            if (name.ends_with("_test.cc")) continue;
            if (name.ends_with(".cc") || name.ends_with(".h") || name.ends_with(".md"))
                found.push_back(entry.path());
        }
    return found;
}

// The help of `cairn WORDS`, empty where there is no such command.
std::string help_of(const std::vector<std::string>& words) {
    static std::map<std::vector<std::string>, std::string> known;
    const auto at = known.find(words);
    if (at != known.end()) return at->second;
    std::vector<std::string> line = words;
    line.push_back("--help");
    const Outcome outcome = run(line);
    // An unknown word before --help gives the help of what stands before it.
    std::string usage = "Usage: cairn";
    for (const std::string& word : words) usage += " " + word;
    const bool is_its_own = (outcome.out + outcome.errors).find(usage + " ") != std::string::npos;
    return known[words] = outcome.code == 0 && is_its_own ? outcome.out : "";
}

// What is wrong with "cairn WORD ... --option ..."; empty if nothing is.
std::string wrong(const std::string& mention) {
    std::istringstream stream(mention);
    std::string word;
    stream >> word;  // cairn
    std::vector<std::string> words;
    stream >> word;
    if (word == "help") return "";  // `cairn help train` is `cairn train --help` (commands_test.cc)
    if (help_of({word}).empty()) return "no command " + word;
    words.push_back(word);
    const bool group = word == "model" || word == "network" || word == "chain" ||
                       word == "wallet" || word == "coin" || word == "lab" || word == "audit";
    bool first = true;
    for (; stream >> word; first = words.back() == "channel") {  // a group within one
        if (first && group && std::islower(static_cast<unsigned char>(word[0])) != 0) {
            // `cairn model info|convert|verify` names several.
            words.push_back(word.substr(0, word.find('|')));
            if (help_of(words).empty()) return "no command " + words[0] + " " + word;
            continue;
        }
        if (!word.starts_with("--")) continue;
        const std::string option =
            word.substr(0, word.find_first_not_of("-abcdefghijklmnopqrstuvwxyz"));
        if (help_of(words).find(option) == std::string::npos)
            return words.back() + " has no option " + option;
    }
    return "";
}

TEST(CommandsNamed, Exist) {
    // In backticks or after a $ or a path in pages and messages: `cairn word --option value`.
    const std::regex mention(
        R"((?:`|"|build/|  |: |run |; |\n)cairn ([a-z][a-z-]*[^`"\n#;,.()\\]*))");
    // "cairn is", "cairn and" are sentences.
    const std::set<std::string> prose = {"is", "and", "can", "has", "in", "of", "or", "the", "a"};
    std::size_t checked = 0;
    for (const fs::path& path : places()) {
        const std::string text = text_of(path);
        for (std::sregex_iterator at(text.begin(), text.end(), mention), end; at != end; ++at) {
            const std::string words = "cairn " + (*at)[1].str();
            std::istringstream stream((*at)[1].str());
            std::string first;
            stream >> first;
            if (prose.contains(first)) continue;
            ++checked;
            EXPECT_EQ(wrong(words), "") << path << ": " << words;
        }
    }
    EXPECT_GT(checked, 100U);
}

TEST(CommandsNamed, WhatDoesNotExistIsFound) {
    EXPECT_EQ(wrong("cairn node --dir x"), "");
    EXPECT_EQ(wrong("cairn node --join"), "node has no option --join");
    EXPECT_EQ(wrong("cairn frobnicate"), "no command frobnicate");
    EXPECT_EQ(wrong("cairn model inspect"), "no command model inspect");
    EXPECT_EQ(wrong("cairn wallet channel open --to x"), "");
    EXPECT_EQ(wrong("cairn wallet channel opens"), "no command wallet opens");
}

}  // namespace
}  // namespace cairn::cli
