// Proves that `cairn lab all` makes a page for each paper with its results in order, their tables
// and the pictures that it names; in the slow tier (CAIRN_SLOW=1) with all results there are.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/options.h"
#include "cli/papers/lab_pages.h"
#include "cli/test_run.h"

namespace cairn::cli {
namespace {

std::string fresh_folder(const std::string& name) {
    std::string folder = testing::TempDir() + "/" + name;
    std::filesystem::remove_all(folder);
    return folder;
}

std::string text_of(const std::string& path) {
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

/// How many pictures the page names, all of which have to be there.
std::size_t pictures_of(const std::string& folder, const std::string& page) {
    const std::string text = text_of(folder + "/" + page);
    std::size_t pictures = 0;
    for (std::size_t at = text.find("]("); at != std::string::npos; at = text.find("](", at + 1)) {
        const std::string target = text.substr(at + 2, text.find(')', at) - at - 2);
        if (!target.ends_with(".svg")) continue;
        ++pictures;
        EXPECT_TRUE(std::filesystem::exists(folder + "/" + target)) << target;
    }
    return pictures;
}

LabSection section(char paper, const std::string& name, const std::string& arguments = "") {
    return {paper, "Section " + name,
            [name]() -> Result<papers::ResultTable> {
                papers::ResultTable table{name, {}, "Found by " + name + ".", {}};
                for (const double x : {1.0, 2.0, 3.0})
                    table.rows.push_back({{"x", x}, {"y", x * x}});
                table.pictures.push_back({name, "x", "y", "", "x", "y"});
                return table;
            },
            arguments};
}

TEST(LabPages, APageForEachPaperWithItsResultsInOrder) {
    const std::string folder = fresh_folder("lab_pages");
    CLI::App app;
    Invocation invocation;
    add_lab_all(Command(app), invocation,
                {section('A', "first"), section('B', "other", "--m 2"), section('A', "second")});
    app.parse("all --out " + folder);
    std::stringstream out;
    ASSERT_TRUE(invocation.run(out).ok());
    EXPECT_NE(text_of(folder + "/efedllm.md").find("`cairn lab other --m 2`: "), std::string::npos);
    EXPECT_EQ(pictures_of(folder, "gradientcoin.md"), 2U);
    EXPECT_EQ(pictures_of(folder, "efedllm.md"), 1U);
    const std::string page = text_of(folder + "/gradientcoin.md");
    EXPECT_LT(page.find("Section first"), page.find("Found by first."));
    EXPECT_LT(page.find("Found by first."), page.find("Section second"));
    EXPECT_EQ(page.find("Section other"), std::string::npos);
    EXPECT_NE(page.find("| 3 | 9 |"), std::string::npos) << page;
    EXPECT_NE(out.str().find("efedllm.md"), std::string::npos);
}

TEST(LabPages, AResultThatCannotBeMadeEndsIt) {
    const std::string folder = fresh_folder("lab_pages_error");
    CLI::App app;
    Invocation invocation;
    add_lab_all(
        Command(app), invocation,
        {{'A', "Section", [] { return Result<papers::ResultTable>(invalid("no result")); }}});
    app.parse("all --out " + folder);
    std::stringstream out;
    const Status status = invocation.run(out);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().message, "no result");
}

TEST(LabPages, AllResultsThatThereAre) {
    if (std::getenv("CAIRN_SLOW") == nullptr)
        GTEST_SKIP() << "all results of the papers take minutes: set CAIRN_SLOW=1";
    const std::string folder = fresh_folder("lab_all");
    const Outcome outcome = run({"lab", "all", "--out", folder, "--json"});
    ASSERT_EQ(outcome.code, 0) << outcome.out;
    EXPECT_EQ(outcome.json()["wrote"].size(), 2U);
    EXPECT_GE(pictures_of(folder, "gradientcoin.md"), 2U);
    EXPECT_GE(pictures_of(folder, "efedllm.md"), 2U);
}

}  // namespace
}  // namespace cairn::cli
