// Proves that a training run that is stopped and resumed, under other threads and kernels, ends in
// the same bytes as one that was not; that a time limit's run can be repeated by its steps; and
// that the log has each step once and a killed session loses only what was not saved.
#include "cli/train/train_command.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "cli/test_run.h"
#include "cli/train/train_run.h"
#include "tensor/compute.h"
#include "train/train_log.h"

namespace cairn::cli {
namespace {

std::string contents(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::vector<std::string> words(const std::string& line) {
    std::istringstream in(line);
    return {std::istream_iterator<std::string>(in), {}};
}

/// Ten milliseconds pass whenever somebody looks: a step takes as long on a busy machine.
class TickingClock final : public Clock {
  public:
    std::uint64_t wall_ms() const override { return 0; }
    std::uint64_t monotonic_us() const override { return us_ += 10'000; }

  private:
    mutable std::uint64_t us_ = 0;
};

class TrainCommand : public testing::Test {
  protected:
    void SetUp() override {
        const char* before = std::getenv("CAIRN_KERNELS");
        kernels_before_ = before != nullptr ? before : "";
        folder_ = testing::TempDir() + "/cairn_train_command";
        std::filesystem::remove_all(folder_);
        std::filesystem::create_directories(folder_);
        text_ = folder_ + "/text.txt";
        std::ofstream out(text_);
        for (int i = 0; i < 300; ++i)
            out << "The cat sat on mat " << i * 7 % 50 << ", the dog on " << i % 9 << ".\n";
    }
    void TearDown() override {
        use_kernels(kernels_before_);
        std::filesystem::remove_all(folder_);
    }

    static void use_kernels(const std::string& name) {
        if (name.empty())
            ::unsetenv("CAIRN_KERNELS");
        else
            ::setenv("CAIRN_KERNELS", name.c_str(), 1);
    }

    std::string path(const std::string& name) const { return folder_ + "/" + name; }

    /// A small run that writes `name` and its log.
    Outcome train(const std::string& name, std::vector<std::string> more) const {
        std::vector<std::string> all = {"train",     "--text",  text_,
                                        "--valid",   text_,     "--out",
                                        path(name),  "--log",   path(name + ".jsonl"),
                                        "--dim",     "16",      "--layers",
                                        "1",         "--heads", "2",
                                        "--context", "32",      "--characters",
                                        "--rate",    "0.01",    "--valid-windows",
                                        "4",         "--json"};
        all.insert(all.end(), more.begin(), more.end());
        return run(all);
    }

    /// A run with a time limit, by the ticking clock.
    Outcome limited(const std::string& name, double minutes, std::uint64_t warmup,
                    std::uint64_t stop_at = 0, bool resume = false) const {
        TrainRequest request;
        if (resume) {
            request.resume = path(name);
        } else {
            request.out = path(name);
            request.options.texts = {text_};
            request.options.valid = text_;
            request.options.valid_windows = 4;
            request.options.log = path(name + ".jsonl");
            request.options.minutes = minutes;
            request.characters = true;
            request.shape.dim = 16;
            request.shape.layers = 1;
            request.shape.heads = 2;
            request.recipe.context = 32;
            request.recipe.peak_rate = 0.01;
            request.recipe.warmup_steps = warmup;
            request.recipe.total_steps = 0;
        }
        request.stop_at = stop_at;
        request.json = true;
        std::ostringstream out;
        const auto status = run_train(request, TickingClock(), out);
        return {status.ok() ? 0 : 1, out.str(), status.ok() ? "" : status.error().message};
    }

    std::string kernels_before_, folder_, text_;
};

TEST_F(TrainCommand, StopsAndResumesToTheSameBytes) {
    const Outcome in_one_go = train("whole", {"--steps", "20", "--valid-every", "5"});
    ASSERT_EQ(in_one_go.code, 0) << in_one_go.errors;
    const nlohmann::json command = in_one_go.json()["command"];
    const std::vector<train::LogRow> whole = train::read_train_log(path("whole.jsonl")).value();
    ASSERT_EQ(whole.size(), 21U);
    std::vector<std::string> sets = {""};
    for (const tensor::KernelSet set : tensor::available_kernel_sets())
        if (set != tensor::KernelSet::kReference) sets.emplace_back(tensor::kernel_set_name(set));
    for (const std::string& set : sets) {
        use_kernels(set);
        const Outcome part = train(
            "part", {"--steps", "20", "--valid-every", "5", "--stop-at", "7", "--threads", "1"});
        ASSERT_EQ(part.code, 0) << part.errors;
        EXPECT_FALSE(part.json()["complete"].get<bool>());
        EXPECT_TRUE(std::filesystem::exists(path("part.run")));
        EXPECT_NE(contents(path("part")), contents(path("whole")));
        use_kernels("");
        const Outcome rest = run({"train", "--resume", path("part"), "--threads", "3", "--json"});
        ASSERT_EQ(rest.code, 0) << rest.errors;
        EXPECT_TRUE(rest.json()["complete"].get<bool>());
        EXPECT_EQ(contents(path("part")), contents(path("whole"))) << set;
        EXPECT_FALSE(std::filesystem::exists(path("part.run")));
        EXPECT_EQ(rest.json()["command"], command);
        const std::vector<train::LogRow> rows = train::read_train_log(path("part.jsonl")).value();
        ASSERT_EQ(rows.size(), whole.size());
        for (std::size_t i = 0; i < rows.size(); ++i) {
            EXPECT_EQ(rows[i].step, i);
            EXPECT_EQ(rows[i].loss, whole[i].loss) << i;
            EXPECT_EQ(rows[i].valid_loss, whole[i].valid_loss) << i;
            EXPECT_EQ(rows[i].learning_rate, whole[i].learning_rate) << i;
        }
    }
}

// The state of step 5 was saved; then steps 6 and 7 were taken and logged, and the power failed in
// the middle of a line.
TEST_F(TrainCommand, AKilledSessionGoesOnFromItsLastSavedState) {
    ASSERT_EQ(train("whole", {"--steps", "9"}).code, 0);
    ASSERT_EQ(train("killed", {"--steps", "9", "--save-every", "5", "--stop-at", "5"}).code, 0);
    std::ofstream log(path("killed.jsonl"), std::ios::app);
    log << R"({"step":6,"loss":9})" << '\n' << R"({"step":7,"loss":9})" << '\n' << R"({"st)";
    log.close();
    std::ofstream(path("killed"), std::ios::binary) << "half a checkpoint";
    const Outcome rest = run({"train", "--resume", path("killed"), "--json"});
    ASSERT_EQ(rest.code, 0) << rest.errors;
    EXPECT_EQ(contents(path("killed")), contents(path("whole")));
    const std::vector<train::LogRow> rows = train::read_train_log(path("killed.jsonl")).value();
    ASSERT_EQ(rows.size(), 10U);
    for (std::size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(rows[i].step, i);
    EXPECT_LT(rows[6].loss.value(), 8.0);
}

TEST_F(TrainCommand, InterruptSavesAndSaysHowToGoOn) {
    // Once it has taken a step: before it begins, an interrupt would end this program.
    const std::string log = path("long.jsonl");
    std::thread interrupter([&log] {
        for (int i = 0; i < 12'000 && contents(log).empty(); ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        ::raise(SIGINT);
    });
    std::vector<std::string> all = {
        "train", "--text",    text_, "--out",        path("long"), "--log",
        log,     "--dim",     "16",  "--layers",     "1",          "--heads",
        "2",     "--context", "32",  "--characters", "--steps",    "1000000"};
    const Outcome stopped = run(all);
    interrupter.join();
    ASSERT_EQ(stopped.code, 0) << stopped.errors;
    EXPECT_NE(stopped.out.find("go on with: cairn train --resume " + path("long")),
              std::string::npos)
        << stopped.out;
    EXPECT_TRUE(std::filesystem::exists(path("long.run")));
}

TEST_F(TrainCommand, ATimeLimitChoosesStepsThatRepeatToTheSameBits) {
    const Outcome first = limited("limited", 0.03, 6);
    ASSERT_EQ(first.code, 0) << first.errors;
    const nlohmann::json report = first.json();
    EXPECT_GT(report["total_steps"].get<std::uint64_t>(), 6U);
    EXPECT_EQ(report["steps"], report["total_steps"]);
    const std::vector<train::LogRow> rows = train::read_train_log(path("limited.jsonl")).value();
    // The cosine has come down to its floor, a tenth, when the time is over.
    EXPECT_NEAR(rows.back().learning_rate, 0.001, 2e-4);
    EXPECT_NE(contents(path("limited.jsonl")).find(R"("event":"plan")"), std::string::npos);
    std::vector<std::string> again = words(report["command"].get<std::string>());
    ASSERT_EQ(again.front(), "cairn");
    again.erase(again.begin());
    again.insert(again.end(), {"--out", path("again"), "--json"});
    const Outcome repeated = run(again);
    ASSERT_EQ(repeated.code, 0) << repeated.errors << report["command"];
    EXPECT_EQ(contents(path("again")), contents(path("limited")));
    const Outcome none = limited("none", 0.01, 1'000'000);
    EXPECT_EQ(none.code, 1);
    EXPECT_NE(none.errors.find("shorter --warmup"), std::string::npos) << none.errors;
}

// Stopped in the warm-up, before and at the moment when the length must be chosen.
TEST_F(TrainCommand, ATimeLimitOutlivesAStopInTheWarmUp) {
    for (const std::uint64_t stop : {2U, 5U, 6U}) {
        ASSERT_EQ(limited("early", 0.03, 6, stop).code, 0);
        const Outcome rest = limited("early", 0, 0, 0, true);
        ASSERT_EQ(rest.code, 0) << rest.errors << stop;
        EXPECT_TRUE(rest.json()["complete"].get<bool>());
        EXPECT_GT(rest.json()["total_steps"].get<std::uint64_t>(), 6U);
    }
}

TEST(StepsInTime, LeaveASpareAndNeverGoBack) {
    EXPECT_EQ(steps_in_time(1, 10, 0, 1e6), 10U + 58U);
    EXPECT_EQ(steps_in_time(1, 10, 30'000'000, 1e6), 10U + 28U);
    EXPECT_EQ(steps_in_time(1, 10, 90'000'000, 1e6), 10U);
}

TEST_F(TrainCommand, DryRunMeasuresAndWritesNothing) {
    const Outcome dry = run({"train", "--text", text_, "--dim", "16", "--layers", "1", "--heads",
                             "2", "--context", "32", "--out", path("dry"), "--dry-run", "--json"});
    ASSERT_EQ(dry.code, 0) << dry.errors;
    EXPECT_GT(dry.json()["step_seconds"].get<double>(), 0.0);
    EXPECT_GT(dry.json()["peak_memory_bytes"].get<double>(), 1e6);
    EXPECT_FALSE(std::filesystem::exists(path("dry")));
}

TEST_F(TrainCommand, RefusesWithAWordOfAdvice) {
    const auto refusal = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), "train");
        const Outcome outcome = run(arguments);
        EXPECT_NE(outcome.code, 0);
        return outcome.errors + outcome.out;
    };
    EXPECT_NE(refusal({"--out", path("x")}).find("--text"), std::string::npos);
    EXPECT_NE(refusal({"--text", text_}).find("--out"), std::string::npos);
    EXPECT_NE(refusal({"--resume", path("x")}).find("--init"), std::string::npos);
    EXPECT_NE(refusal({"--resume", path("x"), "--rate", "1"}).find("--rate"), std::string::npos);
    EXPECT_NE(refusal({"--text", text_, "--out", path("x"), "--valid-every", "3"}).find("--valid"),
              std::string::npos);
    EXPECT_NE(refusal({"--text", text_, "--out", path("x"), "--steps", "3", "--minutes", "1"})
                  .find("--minutes"),
              std::string::npos);
    EXPECT_NE(refusal({"--text", text_, "--out", text_ + "/x", "--characters"}).find(text_),
              std::string::npos);
    EXPECT_NE(refusal({"--text", text_,        "--out",    path("x"), "--characters",
                       "--rate", "10",         "--clip",   "0",       "--decay",
                       "10",     "--warmup",   "0",        "--steps", "40",
                       "--dim",  "32",         "--layers", "1",       "--heads",
                       "2",      "--kv-heads", "2"})
                  .find("not finite; halve"),
              std::string::npos);
    std::ofstream(path("short")) << "word";
    EXPECT_NE(refusal({"--text", path("short"), "--out", path("x"), "--characters"})
                  .find("needs more than its context"),
              std::string::npos);
    ASSERT_EQ(train("part", {"--steps", "20", "--stop-at", "2"}).code, 0);
    std::ofstream(text_, std::ios::app) << "More.";
    EXPECT_NE(refusal({"--resume", path("part")}).find("not the one"), std::string::npos);
}

}  // namespace
}  // namespace cairn::cli
