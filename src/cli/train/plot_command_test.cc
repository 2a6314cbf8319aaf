// Proves that `cairn plot` draws training logs and what `cairn demo --json` prints, and says what a
// file is that is neither.
#include "cli/train/plot_command.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

namespace cairn::cli {
namespace {

TEST(Plot, DrawsLogsAndTheDemosOutput) {
    const std::string folder = testing::TempDir() + "/cairn_plot";
    std::filesystem::create_directories(folder);
    std::ofstream log(folder + "/run.jsonl");
    log << R"({"event":"start","step":0})" << '\n' << R"({"step":0,"valid_loss":5.5})" << '\n';
    for (int i = 1; i <= 500; ++i)
        log << fmt::format(R"({{"step":{},"loss":{},"tokens":{},"elapsed":{}}})", i, 1 + 4.0 / i,
                           1024 * i, i * 0.5)
            << '\n';
    log.close();
    std::ofstream(folder + "/demo.json")
        << "noise\n"
        << R"({"blocks":[{"report_loss":5,"judge_loss":5.1},{"report_loss":4,"judge_loss":null}]})"
        << '\n';
    PlotRequest request;
    request.logs = {folder + "/run.jsonl", folder + "/demo.json"};
    request.out = folder + "/loss.svg";
    request.marks = {1.5};
    std::ostringstream out;
    const Status status = run_plot(request, out);
    ASSERT_TRUE(status.ok()) << status.error().message;
    std::ifstream file(request.out);
    std::stringstream svg;
    svg << file.rdbuf();
    for (const char* word : {"run: training", "run: held-out", "judge text", "1.5"})
        EXPECT_NE(svg.str().find(word), std::string::npos) << word;
    std::ofstream(folder + "/bad.jsonl") << "{\n";
    request.logs = {folder + "/bad.jsonl"};
    EXPECT_FALSE(run_plot(request, out).ok());
    for (const auto& [text, what] : std::vector<std::pair<std::string, std::string>>{
             {"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n", "Git LFS"},
             {"<!doctype html>\n<html></html>\n", "a web page"},
             {"", "no steps"}}) {
        std::ofstream(folder + "/foreign.jsonl") << text;
        request.logs = {folder + "/foreign.jsonl"};
        const Status foreign = run_plot(request, out);
        ASSERT_FALSE(foreign.ok());
        EXPECT_NE(foreign.error().message.find(what), std::string::npos) << foreign.error().message;
    }
    std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace cairn::cli
