// Proves that the commands for one machine do what their help says, with the exit codes that
// scripts rely on, and that `generate` has one digest for every kernel set and thread count.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <nlohmann/json.hpp>

#include "base/test_data.h"
#include "cli/commands.h"
#include "cli/test_run.h"
#include "tensor/compute.h"

namespace cairn::cli {
namespace {

class OneMachine : public testing::Test {
  protected:
    void SetUp() override {
        folder_ = testing::TempDir() + "/cairn_one_machine";
        std::filesystem::create_directories(folder_);
        text_ = folder_ + "/text.txt";
        std::ofstream out(text_);
        for (int i = 0; i < 400; ++i)
            out << "The cat sat on the mat, and the dog sat on the cat.\n";
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    std::string folder_;
    std::string text_;
};

TEST_F(OneMachine, MisuseIsTwoFailureIsOneHelpIsZero) {
    EXPECT_EQ(run({}).code, 2);
    EXPECT_EQ(run({"generate"}).code, 2);
    EXPECT_EQ(run({"generate", "--model", "x", "--steps", "0"}).code, 2);
    EXPECT_EQ(run({"no-such-command"}).code, 2);
    EXPECT_EQ(run({"--version"}).code, 0);
    for (const char* name : {"train", "generate", "eval", "tokenize"}) {
        const Outcome help = run({name, "--help"});
        EXPECT_EQ(help.code, 0);
        EXPECT_NE(help.out.find("Example:"), std::string::npos) << name;
        EXPECT_NE(help.out.find("--json"), std::string::npos) << name;
    }
    const Outcome missing = run({"generate", "--model", folder_ + "/none", "--json"});
    EXPECT_EQ(missing.code, 1);
    EXPECT_NE(missing.errors.find("cannot open"), std::string::npos);
    EXPECT_EQ(missing.json()["error"]["kind"], "not_found");
}

TEST_F(OneMachine, NumbersAndWordsThatCannotBeAreMisusedByName) {
    const auto misused = [](const std::vector<std::string>& words, const std::string& name) {
        std::vector<std::string> line = words;
        line.push_back("--json");
        const Outcome outcome = run(line);
        EXPECT_EQ(outcome.code, 2) << words.back();
        EXPECT_NE(outcome.errors.find(name), std::string::npos) << outcome.errors;
        EXPECT_EQ(outcome.json()["error"]["kind"], "misused") << outcome.out;
    };
    const std::pair<const char*, std::vector<const char*>> options[] = {
        {"--temperature", {"-1", "nan", "inf", "", "1e9"}},
        {"--top-p", {"0", "-0.5", "1.5", "nan", ""}},
        {"--min-p", {"-1", "2"}},
        {"--top-k", {"-1", "1.5", "", "99999999999999999999999"}},
        {"--repetition-penalty", {"0", "-1", "nan"}},
        {"--presence-penalty", {"1000"}},
        {"--frequency-penalty", {"-1000"}},
        {"--steps", {"0", "-5", "", "99999999999"}},
        {"--seed", {"-1", "x", ""}},
        {"--threads", {"-1", "100000", ""}},
        {"--kv", {"f8", ""}},
        {"--stop", {""}},
    };
    for (const auto& [option, values] : options)
        for (const char* value : values)
            misused({"generate", "--model", "m", option, value}, option);
    misused({"generate", "--model", "m", "--top-k", "40"}, "--top-k");
    misused({"generate", "--model", "m", "--temperature", "0", "--top-p", "0.9"}, "--top-p");
    misused({"generate", "--model", "m", "--server", "a:1", "--prompts", "p"}, "--server");
    misused({"generate", "--model", "m", "--top-logprobs", "2"}, "--logprobs");
    misused({"tokenize"}, "");
    misused({"tokenize", "--tokenizr", "t"}, "did you mean '--tokenizer'");
    misused({"tokenize", "--tokenizer", "t", "--vocab", "300"}, "--vocab");
    misused({"tokenize", "--train", "t", "--out", "o", "--vocab", "1"}, "--vocab");
    misused({"tokenize", "--tokenizer", "t", "--repeat", "0"}, "--repeat");
    misused({"tokenize", "--tokenizer", "t", "--decode", "-1"}, "--decode");
    misused({"embed", "m", "a", "--threads", "5000"}, "--threads");
    misused({"bench", "--seconds", "0"}, "--seconds");
    misused({"bench", "--prefill", "0"}, "--prefill");
    misused({"bench", "--decode", "99999999"}, "--decode");
    misused({"bench", "--type", "q4_k"}, "q4_k");
    misused({"bench", "--type", "q9"}, "--type");
    misused({"doctor", "--threads", "-2"}, "--threads");
    misused({"model", "verify", "--model", "m", "--threads", "99999"}, "--threads");
    misused({"lab", "gradients", "--out", folder_ + "/g", "--context", "7"}, "--context");
    misused({"lab", "gradients", "--out", folder_ + "/g", "--family", "t5"}, "--family");
    misused({"lab", "attacks", "--dir", text_}, "--dir");
    misused({"lab", "attacks", "--dir", folder_ + "/d", "--seeds", "2"}, "--seeds");
    misused({"lab", "attacks", "--attack", "gradeint"}, "gradient-0.5");
    misused({"lab", "attacks", "--judge", text_}, "--train");
    misused({"lab", "adversary", "--objective", "fame"}, "--objective");
    misused({"lab", "adversary", "--network", folder_ + "/none"}, "tiny, demo");
}

TEST_F(OneMachine, NoOutputIsAnInput) {
    const Outcome same = run({"tokenize", "--train", text_, "--vocab", "280", "--out", text_});
    EXPECT_EQ(same.code, 1);
    EXPECT_NE(same.errors.find("would overwrite"), std::string::npos);
    EXPECT_NE(run({"lab", "gradients", "--model", text_, "--out", text_}).errors.find("overwrite"),
              std::string::npos);
}

TEST_F(OneMachine, APathThatIsNoUtf8LosesNoResult) {
    const std::string out = folder_ + "/step\xFF.safetensors";
    const Outcome made = run({"lab", "gradients", "--out", out, "--json"});
    ASSERT_EQ(made.code, 0) << made.errors;
    EXPECT_TRUE(made.json()["loss"].is_number()) << made.out;
}

// A pipe that nobody reads, or a full disk, after some bytes.
class Full final : public std::streambuf {
  public:
    explicit Full(std::size_t room) : room_(room) {}
    std::size_t asked() const { return asked_; }

  private:
    int_type overflow(int_type c) override {
        ++asked_;
        return room_-- > 0 ? c : traits_type::eof();
    }
    std::size_t room_, asked_ = 0;
};

TEST_F(OneMachine, GenerateStopsWhenNobodyReads) {
    const std::string model = test_data_folder() + "/stories260K/stories260K.bin";
    if (!std::filesystem::exists(model)) GTEST_SKIP() << "no stories260K: set CAIRN_TEST_DATA";
    Full full(20);
    std::ostream out(&full);
    std::ostringstream errors;
    const std::vector<const char*> line{"cairn",       "generate", "--model",
                                        model.c_str(), "--steps",  "500"};
    EXPECT_EQ(run_command_line(static_cast<int>(line.size()), line.data(), out, errors), 1);
    EXPECT_NE(errors.str().find("could not be written"), std::string::npos);
    EXPECT_LT(full.asked(), 40U) << "it went on writing";
}

TEST_F(OneMachine, BenchPrintsEachLineWhenItIsMeasured) {
    // With room for the machine and one row alone, the second model is never measured.
    Full full(150);
    std::ostream out(&full);
    std::ostringstream errors;
    const std::vector<const char*> line{"cairn",    "bench",  "--part",    "models", "--model",
                                        "demo",     "--type", "f32",       "--type", "q8_0",
                                        "--decode", "1",      "--seconds", "0.01"};
    EXPECT_EQ(run_command_line(static_cast<int>(line.size()), line.data(), out, errors), 1);
    EXPECT_GT(full.asked(), 100U);
    const Outcome absent = run({"bench", "--model", folder_ + "/none.gguf"});
    EXPECT_EQ(absent.code, 1);
    EXPECT_EQ(absent.out, "") << "said before anything is measured";
}

TEST_F(OneMachine, TokenizeTrainsEncodesAndDecodes) {
    const std::string file = folder_ + "/tok";
    ASSERT_EQ(run({"tokenize", "--train", text_, "--vocab", "280", "--out", file}).code, 0);
    const Outcome ids = run({"tokenize", "--tokenizer", file, "--text", "the cat sat", "--json"});
    ASSERT_EQ(ids.code, 0);
    std::vector<std::string> back{"tokenize", "--tokenizer", file, "--decode"};
    const nlohmann::json tokens = ids.json()["tokens"];
    for (const auto& id : tokens) back.push_back(id.dump());
    EXPECT_EQ(run(back).out, "the cat sat\n");
    const Outcome outside = run({"tokenize", "--tokenizer", file, "--decode", "280"});
    EXPECT_EQ(outside.code, 2);
    // The text gives no more than 276.
    EXPECT_NE(outside.errors.find("not in range 0 to 275"), std::string::npos) << outside.errors;
    EXPECT_EQ(run({"tokenize", "--tokenizer", text_, "--text", "a"}).code, 1);
    EXPECT_EQ(run({"tokenize"}).code, 2);
    EXPECT_EQ(run({"tokenize", "--train", text_}).code, 2);
    EXPECT_EQ(run({"tokenize", "--tokenizer", file, "--text", "a", "--decode", "1"}).code, 2);
    const Outcome shown = run({"tokenize", "--tokenizer", file, "--text", "a b", "--pieces"});
    EXPECT_EQ(shown.out, "     97  \"a\"\n     32  \" \"\n     98  \"b\"\n");
}

TEST_F(OneMachine, TrainedModelsAreOneToTheBitAndLearn) {
    std::set<std::string> hashes;
    nlohmann::json report;
    const std::string file = folder_ + "/model.cairn";
    for (const char* threads : {"1", "3"}) {
        const Outcome trained =
            run({"train",  "--text",  text_,       "--valid", text_,     "--out",    file,
                 "--dim",  "32",      "--layers",  "2",       "--heads", "4",        "--context",
                 "32",     "--vocab", "280",       "--steps", "30",      "--warmup", "5",
                 "--rate", "0.01",    "--threads", threads,   "--json"});
        ASSERT_EQ(trained.code, 0) << trained.errors;
        report = trained.json();
        hashes.insert(report["content_hash"].get<std::string>());
    }
    EXPECT_EQ(hashes.size(), 1U);
    EXPECT_LT(report["last_loss"].get<double>(), report["first_loss"].get<double>() - 2.0);

    const nlohmann::json eval = run({"eval", "--model", file, "--text", text_, "--json"}).json();
    EXPECT_DOUBLE_EQ(eval["loss"].get<double>(), report["valid_loss"].get<double>());
    const nlohmann::json info = run({"model", "info", "--model", file, "--json"}).json();
    EXPECT_EQ(info["content_hash"], report["content_hash"]);
    EXPECT_EQ(info["format"], "cairn");
    // Going on from it begins where it ended.
    const nlohmann::json more = run({"train", "--text", text_, "--out", folder_ + "/more", "--init",
                                     file, "--context", "32", "--steps", "1", "--json"})
                                    .json();
    EXPECT_LT(more["first_loss"].get<double>(), report["first_loss"].get<double>() - 2.0);
}

TEST_F(OneMachine, GenerateHasOneDigest) {
    const std::string model = test_data_folder() + "/stories260K/stories260K.bin";
    if (!std::filesystem::exists(model)) GTEST_SKIP() << "no stories260K: set CAIRN_TEST_DATA";
    const char* before = std::getenv("CAIRN_KERNELS");
    const std::string kept = before != nullptr ? before : "";
    for (const tensor::KernelSet set : tensor::available_kernel_sets()) {
        const std::string name(tensor::kernel_set_name(set));
        ::setenv("CAIRN_KERNELS", name.c_str(), 1);
        for (const char* threads : {"1", "2", "3"}) {
            const nlohmann::json object = run({"generate", "--model", model, "--steps", "200",
                                               "--threads", threads, "--json"})
                                              .json();
            EXPECT_EQ(object["digest"],
                      "dd612278a3af7f85686533f6a99bac3ddcbe7202fbd095c7bdf82b34154d8b2f")
                << name << ' ' << threads;
            EXPECT_EQ(object["kernels"], name);
            EXPECT_EQ(object["tokens"].size(), 200U);
        }
    }
    ::setenv("CAIRN_KERNELS", kept.c_str(), 1);
    if (before == nullptr) ::unsetenv("CAIRN_KERNELS");
    std::ifstream expected(test_data_folder() + "/stories260K/greedy.txt");
    std::stringstream text;
    text << expected.rdbuf();
    EXPECT_EQ(run({"generate", "--model", model, "--steps", "200"}).out, text.str() + "\n");
}

TEST_F(OneMachine, ConvertedModelsWriteTheSame) {
    const std::string model = test_data_folder() + "/stories260K/stories260K.bin";
    if (!std::filesystem::exists(model)) GTEST_SKIP() << "no stories260K: set CAIRN_TEST_DATA";
    const std::string file = folder_ + "/stories.cairn";
    ASSERT_EQ(run({"model", "convert", "--model", model, "--out", file}).code, 0);
    std::vector<std::string> digests;
    for (const std::string& path : {model, file})
        digests.push_back(run({"generate", "--model", path, "--prompt", "Tom and", "--steps", "20",
                               "--temperature", "0.9", "--top-p", "0.9", "--seed", "5", "--json"})
                              .json()["digest"]
                              .get<std::string>());
    EXPECT_EQ(digests[0], digests[1]);
}

TEST_F(OneMachine, ConvertSaysWhichMatricesATypeCannotHold) {
    const std::string model = folder_ + "/odd.cairn";
    // 48 is no multiple of 32, the hidden 64 is.
    ASSERT_EQ(run({"train", "--text", text_, "--out", model, "--dim", "48", "--hidden", "64",
                   "--layers", "1", "--heads", "2", "--context", "32", "--steps", "1"})
                  .code,
              0);
    const std::vector<std::string> convert{"model",   "convert", "--model", model,
                                           "--force", "--type",  "q8_0"};
    std::vector<std::string> words = convert;
    words.insert(words.end(), {"--out", folder_ + "/odd.gguf"});
    const Outcome said = run(words);
    ASSERT_EQ(said.code, 0) << said.errors;
    EXPECT_NE(said.out.find("7 matrices are written as f16: rows of 48"), std::string::npos)
        << said.out;
    std::vector<std::string> script = convert;
    script.insert(script.end(), {"--out", folder_ + "/odd2.cairn", "--json"});
    const nlohmann::json object = run(script).json();
    ASSERT_EQ(object["fallbacks"].size(), 7U);
    EXPECT_EQ(object["fallbacks"][0]["cols"], 48);
    EXPECT_EQ(object["fallbacks"][0]["type"], "f16");
    const nlohmann::json info =
        run({"model", "info", "--model", folder_ + "/odd2.cairn", "--json"}).json();
    EXPECT_EQ(info["types"]["f16"]["tensors"], 7);
    EXPECT_EQ(info["types"]["q8_0"]["tensors"], 1);
}

// What people have is a folder or a GGUF file of any type; training goes on from it in fp32.
TEST_F(OneMachine, TrainingGoesOnFromFilesOfOthers) {
    const std::string model = folder_ + "/first.cairn";
    ASSERT_EQ(run({"train", "--text",   text_, "--out",    model, "--dim",     "32",  "--hidden",
                   "64",    "--layers", "1",   "--heads",  "2",   "--context", "32",  "--vocab",
                   "280",   "--steps",  "30",  "--warmup", "5",   "--rate",    "0.01"})
                  .code,
              0);
    const auto first_loss = [&](const std::string& start) {
        const Outcome trained =
            run({"train", "--text", text_, "--init", start, "--out", folder_ + "/more.cairn",
                 "--context", "32", "--steps", "2", "--json"});
        EXPECT_EQ(trained.code, 0) << start << ": " << trained.errors;
        return trained.json()["first_loss"].get<double>();
    };
    const double from_checkpoint = first_loss(model);
    EXPECT_LT(from_checkpoint, 4.0);
    for (const auto& [name, type] : {std::pair("a.gguf", "f32"), std::pair("hf", "f32"),
                                     std::pair("b.gguf", "q8_0"), std::pair("hf16", "bf16")}) {
        const std::string other = folder_ + "/" + name;
        ASSERT_EQ(run({"model", "convert", "--model", model, "--out", other, "--type", type}).code,
                  0);
        EXPECT_NEAR(first_loss(other), from_checkpoint, 0.02) << name;
    }
    // An encoder has no next token to learn.
    EXPECT_EQ(run({"train", "--text", text_, "--init", folder_ + "/none", "--out", "x"}).code, 1);
}

}  // namespace
}  // namespace cairn::cli
