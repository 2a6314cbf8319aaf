// Proves that whatever ends a training run, or takes away what it writes to, the work is kept and
// goes on to the same bytes; and that the outputs are looked at before the work.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cli/test_child.h"
#include "cli/test_run.h"
#include "cli/train/run_files.h"
#include "train/run_lock.h"
#include "train/train_log.h"

namespace cairn::cli {
namespace {

namespace fs = std::filesystem;

using Arguments = std::vector<std::string>;

std::string contents(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

class TrainEnds : public testing::Test {
  protected:
    void SetUp() override {
        folder_ = testing::TempDir() + "/cairn_train_ends";
        fs::remove_all(folder_);
        fs::create_directories(folder_);
        std::ofstream out(path("text"));
        for (int i = 0; i < 300; ++i)
            out << "The cat sat on mat " << i * 7 % 50 << ", the dog on " << i % 9 << ".\n";
    }
    void TearDown() override { fs::remove_all(folder_); }

    std::string path(const std::string& name) const { return folder_ + "/" + name; }

    Arguments arguments(const std::string& out, const Arguments& more) const {
        const auto given = [&](const char* option) {
            return std::find(more.begin(), more.end(), option) != more.end();
        };
        Arguments all = {"train",    "--text",    path("text"), "--out",     path(out),
                         "--layers", "1",         "--heads",    "2",         "--warmup",
                         "1",        "--context", "32",         "--threads", "1"};
        if (!given("--vocab")) all.emplace_back("--characters");
        if (!given("--dim")) all.insert(all.end(), {"--dim", "16"});
        if (!given("--rate")) all.insert(all.end(), {"--rate", "0.01"});
        all.insert(all.end(), more.begin(), more.end());
        return all;
    }

    /// The checkpoint after `step`, by a run that nothing disturbed.
    std::string undisturbed(const std::string& step) const {
        const Outcome outcome =
            run(arguments("undisturbed", {"--steps", "1000000", "--stop-at", step}));
        EXPECT_EQ(outcome.code, 0) << outcome.errors;
        fs::remove(path("undisturbed.run"));
        return contents(path("undisturbed"));
    }

    std::size_t log_lines(const std::string& name) const {
        const std::string text = contents(path(name));
        return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    }

    /// The step at which a run that was ended saved its state, and that it goes on from there.
    void expect_kept(const std::string& out, const std::string& how) const {
        ASSERT_TRUE(fs::exists(path(out + ".run"))) << how;
        EXPECT_FALSE(fs::exists(path(out + ".lock"))) << how;
        const std::string before = contents(path(out));
        const auto rows = train::read_train_log(path(out + ".log")).value();
        const std::uint64_t step = rows.empty() ? 0 : rows.back().step;
        EXPECT_GT(step, 0U) << how;
        EXPECT_TRUE(before == undisturbed(std::to_string(step))) << how << step;
        const std::string later = std::to_string(step + 3);
        const Outcome rest = run({"train", "--resume", path(out), "--stop-at", later});
        EXPECT_EQ(rest.code, 0) << how << rest.errors;
        EXPECT_TRUE(contents(path(out)) == undisturbed(later)) << how << later;
    }

    std::string folder_;
};

TEST_F(TrainEnds, EverySignalSavesAndGoesOnToTheSameBytes) {
    const std::vector<std::vector<int>> ways = {{SIGHUP},          {SIGTERM},       {SIGINT},
                                                {SIGPIPE},         {SIGXCPU},       {SIGUSR1},
                                                {SIGHUP, SIGTERM}, {SIGHUP, SIGHUP}};
    for (std::size_t i = 0; i < ways.size(); ++i) {
        const std::string out = "way" + std::to_string(i);
        Child child(
            [&] {
                return Child::cairn(
                    arguments(out, {"--steps", "1000000", "--log", path(out + ".log")}));
            },
            false);
        ASSERT_TRUE(eventually([&] { return log_lines(out + ".log") > 5; }));
        for (const int signal : ways[i]) child.signal(signal);
        const ChildEnd end = child.end();
        EXPECT_EQ(end.code(), 0) << i << end.output;
        EXPECT_NE(end.output.find("go on with: cairn train --resume"), std::string::npos);
        expect_kept(out, "way " + std::to_string(i) + " ");
    }
}

TEST_F(TrainEnds, AReaderOrATerminalThatGoesAwaySavesToo) {
    for (const bool on_terminal : {false, true}) {
        const std::string out = on_terminal ? "terminal" : "pipe";
        Child child(
            [&] {
                return Child::cairn(arguments(
                    out, {"--steps", "1000", "--log", path(out + ".log"), "--leaves", "1"}));
            },
            on_terminal);
        ASSERT_TRUE(child.reads("step "));
        child.hang_up();
        if (on_terminal) child.signal(SIGHUP);  // our hold on its other side keeps it half open
        const ChildEnd end = child.end();
        ASSERT_TRUE(fs::exists(path(out + ".run"))) << out;
        fs::remove(path(out + ".run"));
    }
}

// A standard output that is full stops nothing; the failure is told at the end.
TEST_F(TrainEnds, AFullStandardOutputNeverSkipsTheSave) {
    ASSERT_EQ(run(arguments("whole", {"--steps", "8"})).code, 0);
    Child child(
        [&] {
            ::dup2(::open("/dev/full", O_WRONLY), STDOUT_FILENO);
            return Child::cairn(arguments("full", {"--steps", "8"}));
        },
        false);
    const ChildEnd end = child.end();
    EXPECT_EQ(end.code(), 1);
    EXPECT_NE(end.output.find("standard output could not be written"), std::string::npos);
    EXPECT_TRUE(contents(path("full")) == contents(path("whole")));
}

// The lock is there before the tokenizer is learnt.
TEST_F(TrainEnds, WhileATokenizerIsLearntToo) {
    {
        std::ofstream out(path("text"), std::ios::app);
        for (int i = 0; i < 120'000; ++i)
            out << " word" << i * 7919 % 59'999 << (i % 12 ? "" : "\n");
    }
    Child child(
        [&] {
            return Child::cairn(arguments("v", {"--steps", "9", "--vocab", "6000"}));
        },
        false);
    ASSERT_TRUE(eventually([&] { return fs::exists(path("v.lock")); }));
    child.signal(SIGHUP);
    const ChildEnd end = child.end();
    EXPECT_EQ(end.code(), 0) << end.output;
    // Before the first step, unless this machine is so quick that it is in the steps already.
    EXPECT_NE(end.output.find("stopped"), std::string::npos) << end.output;
    EXPECT_EQ(run({"train", "--resume", path("v")}).code, 0);
    EXPECT_EQ(run(arguments("w", {"--steps", "9", "--vocab", "6000"})).code, 0);
    EXPECT_TRUE(contents(path("v")) == contents(path("w")));
}

// The checkpoint is there before the whole of the held-out text is measured.
TEST_F(TrainEnds, WhileTheHeldOutTextIsMeasuredToo) {
    {
        std::ofstream out(path("valid"));
        for (int i = 0; i < 60'000; ++i) out << " word" << i * 7919 % 9973;
    }
    Child child(
        [&] {
            return Child::cairn(
                arguments("x", {"--steps", "1", "--valid", path("valid"), "--valid-windows", "1"}));
        },
        false);
    ASSERT_TRUE(eventually([&] { return fs::exists(path("x")); }));
    child.signal(SIGTERM);
    const ChildEnd end = child.end();
    EXPECT_EQ(end.code(), 0) << end.output;
    EXPECT_NE(end.output.find("was not measured to its end; `cairn eval"), std::string::npos)
        << end.output;
    EXPECT_NE(end.output.find("wrote "), std::string::npos);
}

int limited(rlim_t bytes, const Arguments& arguments) {
    const rlimit limit{bytes, bytes};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    return Child::cairn(arguments);
}

// No file may be longer than the checkpoint and the state, which the log becomes.
TEST_F(TrainEnds, ALogThatCannotBeWrittenIsGivenUpAndTheRunGoesOn) {
    ASSERT_EQ(run(arguments("short", {"--dim", "4", "--steps", "150", "--stop-at", "1"})).code, 0);
    const std::uintmax_t state = fs::file_size(path("short.run"));
    ASSERT_EQ(run(arguments("whole", {"--dim", "4", "--steps", "150"})).code, 0);
    Child child(
        [&] {
            return limited(state + 1000, arguments("part", {"--dim", "4", "--steps", "150", "--log",
                                                            path("part.log"), "--json"}));
        },
        false);
    const ChildEnd end = child.end();
    EXPECT_EQ(end.code(), 1);
    EXPECT_TRUE(contents(path("part")) == contents(path("whole")));
    const std::size_t said = end.output.find("the log can no longer be written");
    ASSERT_NE(said, std::string::npos) << end.output;
    EXPECT_EQ(end.output.find("cairn: the log", said + 1), std::string::npos);
    const auto report =
        nlohmann::json::parse(end.output.substr(end.output.find("\n{") + 1), nullptr, false);
    EXPECT_EQ(report["troubles"].size(), 1U) << end.output;
    bool cut_off = true;
    EXPECT_GT(train::read_train_log(path("part.log"), &cut_off).value().size(), 50U);
    EXPECT_FALSE(cut_off);
}

// The state does not fit, the checkpoint does: said exactly, and the run goes on.
TEST_F(TrainEnds, AStateThatCannotBeWrittenIsSaidAndTheCheckpointIsKept) {
    ASSERT_EQ(run(arguments("short", {"--steps", "9", "--stop-at", "4"})).code, 0);
    const std::uintmax_t checkpoint = fs::file_size(path("short"));
    Child child(
        [&] {
            return limited(checkpoint + 1000, arguments("part", {"--steps", "9", "--save-every",
                                                                 "3", "--stop-at", "4"}));
        },
        false);
    const ChildEnd end = child.end();
    EXPECT_EQ(end.code(), 1);
    EXPECT_NE(end.output.find("after step 3 not everything could be saved"), std::string::npos);
    EXPECT_NE(end.output.find("no state of this run is saved; the model after step 4 is in"),
              std::string::npos)
        << end.output;
    EXPECT_TRUE(contents(path("part")) == contents(path("short")));
    EXPECT_FALSE(fs::exists(path("part.run")));
}

// The checkpoint's place is taken away while it runs.
TEST_F(TrainEnds, ACheckpointThatCannotBeWrittenLeavesTheStateOfTheLastStep) {
    ASSERT_EQ(run(arguments("whole", {"--steps", "40"})).code, 0);
    Child child(
        [&] {
            while (!fs::exists(path("go"))) ::usleep(1000);
            return Child::cairn(arguments("part", {"--steps", "40", "--log", path("part.log")}));
        },
        false);
    std::ofstream(path("go")) << "go";
    ASSERT_TRUE(eventually([&] { return fs::exists(path("part.log")); }));
    fs::create_directories(path("part"));
    const ChildEnd end = child.end();
    EXPECT_EQ(end.code(), 1);
    EXPECT_NE(end.output.find("all steps are taken"), std::string::npos) << end.output;
    EXPECT_NE(end.output.find("the state after step 40"), std::string::npos) << end.output;
    fs::remove(path("part"));
    EXPECT_EQ(run({"train", "--resume", path("part")}).code, 0);
    EXPECT_TRUE(contents(path("part")) == contents(path("whole")));
    EXPECT_FALSE(fs::exists(path("part.run")));
}

TEST_F(TrainEnds, OutputsAreLookedAtBeforeTheWork) {
    fs::create_directories(path("folder"));
    std::ofstream(path("notes")) << "my notes\n";
    const std::string text = contents(path("text"));
    ASSERT_EQ(run(arguments("init", {"--steps", "1"})).code, 0);
    const std::string init = contents(path("init"));
    const auto refused = [&](const std::string& out, const Arguments& more, const char* why) {
        const Outcome outcome = run(arguments(out, more));
        EXPECT_EQ(outcome.code, 1) << out << why;
        EXPECT_NE(outcome.errors.find(why), std::string::npos) << outcome.errors;
        EXPECT_EQ(outcome.out, "") << out;
    };
    refused("folder", {}, "is a folder");
    refused("new/", {}, "names a folder");
    refused("text", {}, "would overwrite --text");
    refused("x", {"--log", path("text")}, "would overwrite --text");
    refused("x", {"--log", path("x")}, "is also --out");
    refused("x", {"--log", path("x.run")}, "is also");
    refused("x", {"--log", path("notes")}, "is not a training log");
    refused("x", {"--valid", path("notes"), "--log", path("notes")}, "would overwrite --valid");
    EXPECT_EQ(
        run({"train", "--text", path("text"), "--init", path("init"), "--out", path("init")}).code,
        1);
    EXPECT_EQ(contents(path("text")), text);
    EXPECT_TRUE(contents(path("init")) == init);
    EXPECT_EQ(contents(path("notes")), "my notes\n");
    // A folder that is not there is made, for the log too.
    EXPECT_EQ(run(arguments("new/x", {"--steps", "1", "--log", path("logs/x")})).code, 0);
    EXPECT_GT(log_lines("logs/x"), 0U);
    // A link stays one, and what it leads to is written.
    std::ofstream(path("real")) << "old";
    fs::create_symlink("real", path("link"));
    EXPECT_EQ(run(arguments("link", {"--steps", "1"})).code, 0);
    EXPECT_TRUE(fs::is_symlink(path("link")));
    EXPECT_GT(fs::file_size(path("real")), 1000U);
}

TEST_F(TrainEnds, AStoppedRunAndARunningOneAreNotOverwritten) {
    ASSERT_EQ(run(arguments("x", {"--steps", "9", "--stop-at", "3"})).code, 0);
    const std::string state = contents(path("x.run"));
    const Outcome again = run(arguments("x", {"--steps", "9"}));
    EXPECT_EQ(again.code, 1);
    EXPECT_NE(again.errors.find("cairn train --resume " + path("x")), std::string::npos);
    EXPECT_TRUE(contents(path("x.run")) == state);

    const auto held = train::RunLock::take(path("x"));
    ASSERT_TRUE(held.ok());
    EXPECT_EQ(fs::status(path("x.lock")).permissions(), fs::perms(0600)) << "others hold it not";
    fs::create_symlink("x", path("link"));
    for (const char* name : {"x", "link"}) {
        const auto second = train::RunLock::take(path(name));
        ASSERT_FALSE(second.ok());
        EXPECT_NE(second.error().message.find(std::to_string(::getpid())), std::string::npos);
    }
    EXPECT_EQ(run({"train", "--resume", path("x")}).code, 1);
    const train::TrainLog log = train::TrainLog::create(path("log")).value();
    EXPECT_FALSE(train::TrainLog::resume(path("log"), 3).ok());
}

TEST_F(TrainEnds, ALockThatACrashLeftBehindIsTakenOver) {
    std::ofstream(path("x.lock")) << "1\n";
    { EXPECT_TRUE(train::RunLock::take(path("x")).ok()); }
    EXPECT_FALSE(fs::exists(path("x.lock")));
}

TEST_F(TrainEnds, ALogThatEndsInTheMiddleOfALineIsPlotted) {
    ASSERT_EQ(run(arguments("x", {"--steps", "5", "--log", path("log")})).code, 0);
    std::ofstream(path("log"), std::ios::app) << R"({"step":6,"lo)";
    const Outcome plot = run({"plot", path("log"), "--out", path("x.svg")});
    EXPECT_EQ(plot.code, 0) << plot.errors;
    EXPECT_NE(plot.out.find("ends in the middle of a line"), std::string::npos);
    const Outcome json = run({"plot", path("log"), "--out", path("x.svg"), "--json"});
    EXPECT_EQ(json.json()["cut_off"].size(), 1U);
    EXPECT_EQ(run({"plot", path("log"), "--out", path("log")}).code, 1);
    EXPECT_EQ(train::read_train_log(path("log")).value().size(), 5U);
}

TEST_F(TrainEnds, AHeldOutTextThatIsLearntIsNamedByWhateverPath) {
    fs::create_hard_link(path("text"), path("again"));
    std::ofstream(path("other")) << std::string(20'000, 'a');
    for (const auto& [valid, learnt] : {std::pair{"again", true}, std::pair{"other", false}}) {
        testing::internal::CaptureStderr();
        EXPECT_EQ(run(arguments("x", {"--steps", "1", "--valid", path(valid)})).code, 0) << valid;
        const std::string said = testing::internal::GetCapturedStderr();
        EXPECT_EQ(said.find("is also learnt, as --text " + path("text")) != std::string::npos,
                  learnt)
            << said;
    }
}

TEST_F(TrainEnds, EveryOptionOutOfRangeIsRefusedByName) {
    const std::vector<std::pair<std::string, std::string>> bad = {
        {"--rate", "0"},        {"--rate", "-1"},      {"--rate", "11"},
        {"--floor", "-0.1"},    {"--floor", "1.5"},    {"--beta1", "1"},
        {"--beta1", "-0.1"},    {"--beta2", "1"},      {"--epsilon", "0"},
        {"--epsilon", "-1"},    {"--decay", "-1"},     {"--clip", "-1"},
        {"--warmup", "21"},     {"--leaf", "1000"},    {"--leaf", "512"},
        {"--context", "100"},   {"--context", "0"},    {"--context", "2048"},
        {"--leaves", "0"},      {"--steps", "0"},      {"--stop-at", "21"},
        {"--save-every", "21"}, {"--vocab", "256"},    {"--valid-windows", "0"},
        {"--valid-every", "3"}, {"--threads", "2000"}, {"--minutes", "0"}};
    for (const auto& [option, value] : bad) {
        Arguments all = {"train", "--text", path("none"), "--out", path("x"), option, value};
        if (option != "--steps" && option != "--minutes") all.insert(all.end(), {"--steps", "20"});
        const Outcome outcome = run(all);
        EXPECT_EQ(outcome.code, 2) << option << value << outcome.errors;
        EXPECT_NE(outcome.errors.find(option), std::string::npos) << outcome.errors;
    }
    EXPECT_EQ(run({"train", "--out", path("x")}).code, 2);
    EXPECT_EQ(run({"train", "--text", path("text")}).code, 2);
    EXPECT_EQ(
        run(arguments("x", {"--valid", path("text"), "--valid-every", "21", "--steps", "20"})).code,
        2);
    EXPECT_EQ(run({"plot", "x", "--out", "y", "--top", "1", "--bottom", "2"}).code, 2);
    EXPECT_EQ(run({"plot", "x", "--out", "y", "--top", "nan"}).code, 2);
    EXPECT_EQ(run({"plot", "x", "--out", "y", "--name", "a", "--name", "b"}).code, 2);
    ASSERT_EQ(run(arguments("m", {"--steps", "1"})).code, 0);
    for (const char* context : {"24", "64", "-1", "nan"}) {
        const Outcome outcome =
            run({"eval", "--model", path("m"), "--text", path("text"), "--context", context});
        EXPECT_EQ(outcome.code, 2) << context;
        EXPECT_NE(outcome.errors.find("--context"), std::string::npos) << outcome.errors;
    }
}

// No loss is told of steps that were not taken.
TEST_F(TrainEnds, WhatWasNotMeasuredIsNotReported) {
    ASSERT_EQ(run(arguments("x", {"--steps", "9", "--stop-at", "3"})).code, 0);
    const Outcome none = run({"train", "--resume", path("x"), "--stop-at", "3", "--json"});
    EXPECT_EQ(none.code, 0) << none.errors;
    EXPECT_TRUE(none.json().contains("first_loss"));
    EXPECT_FALSE(none.json().contains("last_loss"));
    EXPECT_FALSE(none.json().contains("tokens_per_second"));
}

TEST_F(TrainEnds, ALossThatIsNotFiniteKeepsTheModelBeforeIt) {
    const Outcome outcome = run(arguments(
        "x", {"--rate", "10", "--clip", "0", "--decay", "10", "--steps", "150", "--dim", "32"}));
    EXPECT_EQ(outcome.code, 1);
    EXPECT_NE(outcome.errors.find("not finite"), std::string::npos) << outcome.errors;
    EXPECT_NE(outcome.errors.find("the model before it is in " + path("x")), std::string::npos)
        << outcome.errors;
    EXPECT_TRUE(fs::exists(path("x")));
    EXPECT_FALSE(fs::exists(path("x.run")));
}

}  // namespace
}  // namespace cairn::cli
