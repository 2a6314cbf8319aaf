// Proves that a refused number is reported with its option, value and range, and that impossible
// values are refused before anything is read.
#include "cli/option_checks.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/test_data.h"
#include "cli/test_run.h"

namespace cairn::cli {
namespace {

using Words = std::vector<std::string>;

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

TEST(OptionChecks, NumbersAreRefusedByOptionValueAndRange) {
    const std::string judge = std::string(source_folder()) + "/README.md";
    const std::string report = std::string(source_folder()) + "/ARCHITECTURE.md";
    const auto network = [&](const std::string& option, const std::string& value) {
        return Words{"network", "create", "--judge", judge, "--report", report, option, value};
    };
    const std::string most = "18446744073709551615", more = "18446744073709551616";
    const std::vector<std::pair<Words, std::string>> lines = {
        {network("--vocab", "3"), "257 to 262144"},
        {network("--genesis-time-ms", "0"), "1 to 281474976710656"},
        {network("--seed", more), "0 to " + most},
        {{"node", "--seed", "-1"}, "0 to " + most},
        {{"lab", "attacks", "--dir", "d", "--seed", more}, "0 to " + most},
        {{"node", "--memory", more}, "0 to 1073741824"},
        {{"chain", "verify", "--to", "4294967296"}, "1 to 4294967295"},
        {{"explain", "1", "--max", "0"}, "1 to 1000"},
        {{"wallet", "history", "--max", "0"}, "1 to 1000000"},
        {{"demo", "--port", "65536"}, "0 to 65535"},
        {{"demo", "--seed", most}, "0 to 18446744073709550615"},
        {{"generate", "--model", "m", "--top-k", "5000000000"}, "0 to 524288"},
        {{"chat", "--model", "m", "--context", "99999999"}, "0 to 1048576"},
        {{"eval", "--model", "m", "--text", "t", "--context", "5000000000"}, "0 to 1048576"},
        {{"train", "--text", "t", "--out", "o", "--dim", "5000000000"}, "1 to 32768"},
        {{"train", "--text", "t", "--out", "o", "--steps", "0"}, "1 to 1099511627776"},
        {{"train", "--text", "t", "--out", "o", "--leaf", "1"}, "1024 to 1048576"},
        {{"lab", "gradients", "--out", "o", "--context", "4096"}, "1 to 1024"},
        {{"tokenize", "--tokenizer", "t", "--decode", "5000000000"}, "0 to 524287"},
    };
    for (const auto& [line, range] : lines) {
        const Outcome outcome = run(line);
        EXPECT_EQ(outcome.code, 2) << outcome.errors;
        EXPECT_TRUE(has(outcome.errors,
                        *(line.end() - 2) + ": Value " + line.back() + " not in range " + range))
            << outcome.errors;
    }
}

TEST(OptionChecks, WhatAModelIsNotNeededForIsSaidBeforeItIsRead) {
    for (const char* command : {"generate", "chat"}) {
        const Outcome one =
            run({command, "--model", "/none", "--temperature", "0", "--top-k", "40"});
        EXPECT_EQ(one.code, 2) << command;
        EXPECT_TRUE(has(one.errors, "--top-k does nothing")) << one.errors;
        const Outcome two = run(
            {command, "--model", "/none", "--temperature", "0", "--top-k", "40", "--min-p", "0.1"});
        EXPECT_TRUE(has(two.errors, "--top-k, --min-p do nothing")) << two.errors;
        const Outcome stop = run({command, "--model", "/none", "--stop", std::string(5000, 'x')});
        EXPECT_EQ(stop.code, 2) << command;
        EXPECT_TRUE(has(stop.errors, "--stop")) << stop.errors;
    }
}

TEST(OptionChecks, OptionsOfTheWrongKindAreMisused) {
    const std::string judge = std::string(source_folder()) + "/README.md";
    const std::string report = std::string(source_folder()) + "/ARCHITECTURE.md";
    const std::string dir = *make_temporary_folder("cairn-options");
    for (const auto& [option, value] :
         std::vector<std::pair<std::string, std::string>>{{"--config", "nonsense"},
                                                          {"--member", "xyz"},
                                                          {"--member", std::string(64, 'f')},
                                                          {"--name", "two words"}}) {
        const Outcome outcome = run({"network", "create", "--dir", dir + "/n", "--judge", judge,
                                     "--report", report, option, value});
        EXPECT_EQ(outcome.code, 2) << outcome.errors;
    }
    const Outcome watch = run({"wallet", "watch", "--dir", dir + "/w", "--xpub", "xpubnothing"});
    EXPECT_EQ(watch.code, 2) << watch.errors;
    EXPECT_TRUE(has(watch.errors, "--xpub"));
    EXPECT_TRUE(remove_tree(dir).ok());
}

TEST(OptionChecks, WordsThatCanOnlyBeMeantOtherwiseAreMisused) {
    const std::string dir = *make_temporary_folder("cairn-words");
    const std::string key(64, 'a');
    const std::vector<std::pair<Words, std::string>> lines = {
        {{"verify", "--model", "m", "--text", "t", "--server", "nohost"}, "--server"},
        {{"verify", "--model", "m", "--text", "t", "--server", "key@host:1"}, "KEY@HOST:PORT"},
        {{"generate", "--model", "m", "--prompt", "x", "--server", "host:0"}, "--server"},
        {{"generate", "--node", "nohost", "--prompt", "x"}, "--node"},
        {{"chat", "--api", "nohost"}, "--api"},
        {{"model", "list", "--node", ":1"}, "--node"},
        {{"model", "export", "--dir", dir, "--out", dir + "/x.gguf", "--at", "abc"}, "best"},
        {{"eval", "--dir", dir, "--at", "worst"}, "best"},
        {{"wallet", "channel", "close", "zz", "--dir", dir}, "names no channel"},
        {{"wallet", "channel", "refund", "abc", "--dir", dir}, "names no channel"},
        {{"wallet", "channel", "pay", key + ":x", "1", "--dir", dir}, "names no channel"},
        {{"wallet", "channel", "close", "abcd", "--fee", "much", "--dir", dir}, "number of coins"},
        {{"generate", "--model", "m", "--prompt", "x", "--draft", ""}, "--draft"},
        {{"chat", "--model", "m", "--draft="}, "--draft"},
        {{"serve", "m", "--draft", ""}, "--draft"},
        {{"lab", "softmax", "--x", "[1]", "--bases", "[1]"}, ""},
        {{"lab", "softmax", "--x", "[[1e300]]"}, "--x"},
        {{"lab", "sketches", "--dim", "32", "--sketch", "32"}, "take smaller sizes"},
        {{"lab", "sketches", "--dim", "3"}, "power of two"},
        {{"lab", "sketches", "--dim", "2", "--g", "[1e308, 1]"}, "too large"},
        {{"lab", "lookup", "--table", "[1, 1]", "--values", "[-1]", "--beta", "1"}, "draw another"},
    };
    for (const auto& [line, part] : lines) {
        const Outcome outcome = run(line);
        EXPECT_EQ(outcome.code, 2) << line[0] << ' ' << line[1] << ": " << outcome.errors;
        EXPECT_TRUE(has(outcome.errors, part)) << outcome.errors;
    }
    const Outcome draft = run({"generate", "--model", std::string(source_folder()) + "/README.md",
                               "--prompt", "x", "--draft", dir + "/none"});
    EXPECT_EQ(draft.code, 1);
    EXPECT_TRUE(has(draft.errors, "--draft names")) << draft.errors;
    EXPECT_TRUE(remove_tree(dir).ok());
}

TEST(OptionChecks, AMistypedCommandIsNamedThoughItsHelpIsAskedFor) {
    for (const Words& line : {Words{"trian", "--help"}, Words{"help", "trian"}}) {
        const Outcome outcome = run(line);
        EXPECT_EQ(outcome.code, 2);
        EXPECT_TRUE(has(outcome.errors, "did you mean 'train'")) << outcome.errors;
    }
    EXPECT_EQ(run({"frobnicate", "--help"}).code, 2);
}

TEST(OptionChecks, OneLineMayBeWrongInTwoWays) {
    EXPECT_TRUE(has(run({"tokenize", "--text", "--out", "x", "--tokenizr", "t"}).errors,
                    "--text has no value: --out is an option"));
    EXPECT_TRUE(has(run({"tokenize", "--tokenizr", "t", "--vocb", "3"}).errors,
                    "did you mean '--tokenizer'"));
    EXPECT_TRUE(has(run({"tokenize", "-vocab", "3"}).errors, "did you mean '--vocab'"));
}

}  // namespace
}  // namespace cairn::cli
