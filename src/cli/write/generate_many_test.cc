// Proves that texts written together are to the bit the ones written alone, in the order of their
// prompts, and that a bad file of prompts is refused by its line.
#include "cli/write/generate_many.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <nlohmann/json.hpp>

#include "base/test_data.h"
#include "cli/test_run.h"

namespace cairn::cli {
namespace {

struct GenerateMany : ::testing::Test {
    GenerateMany() { std::filesystem::create_directories(folder); }
    ~GenerateMany() override { std::filesystem::remove_all(folder); }

    std::string file(const std::string& name, const std::string& content) const {
        std::ofstream(folder + "/" + name) << content;
        return folder + "/" + name;
    }
    const std::string folder =
        std::filesystem::temp_directory_path() / ("cairn-many-" + std::to_string(::getpid()));
    const std::string model = test_data_folder() + "/stories260K/stories260K.bin";
};

TEST_F(GenerateMany, EachIsTheTextWrittenAlone) {
    if (!std::filesystem::exists(model)) GTEST_SKIP() << "no stories260K: set CAIRN_TEST_DATA";
    const std::vector<std::string> prompts = {"Once upon a time", "", "Tom and\nLily", "The dog",
                                              "She was sad. \"Why"};
    std::string lines;
    for (const std::string& prompt : prompts)
        lines += nlohmann::json{{"prompt", prompt}, {"note", "kept out"}}.dump() + '\n';
    const std::string path = file("prompts.jsonl", lines);
    const std::vector<std::string> how = {
        "--steps", "40",     "--temperature", "0.8",        "--seed",         "3", "--kv",
        "f16",     "--stop", "to ",           "--logprobs", "--top-logprobs", "2", "--json"};
    for (const char* together : {"1", "3", "16"}) {
        std::vector<std::string> arguments = {"generate", "--model",    model,   "--prompts",
                                              path,       "--together", together};
        arguments.insert(arguments.end(), how.begin(), how.end());
        std::istringstream out(run(arguments).out);
        for (std::size_t i = 0; i < prompts.size(); ++i) {
            std::string line;
            ASSERT_TRUE(std::getline(out, line)) << "together " << together << ", text " << i;
            nlohmann::json text = nlohmann::json::parse(line);
            arguments = {"generate", "--model", model, "--prompt", prompts[i]};
            arguments.insert(arguments.end(), how.begin(), how.end());
            nlohmann::json alone = run(arguments).json();
            EXPECT_EQ(text["index"], i);
            for (const char* machine : {"kernels", "threads", "tokens_per_second",
                                        "first_token_seconds", "decode_tokens_per_second"})
                alone.erase(machine);
            text.erase("index");
            EXPECT_EQ(text, alone) << "together " << together;
        }
    }
}

TEST_F(GenerateMany, PeopleSeeTheTextsInOrder) {
    if (!std::filesystem::exists(model)) GTEST_SKIP() << "no stories260K: set CAIRN_TEST_DATA";
    const Outcome outcome = run({"generate", "--model", model, "--prompts",
                                 file("two.txt", "Tom and\nOnce upon a time\n"), "--steps", "4"});
    EXPECT_EQ(outcome.code, 0) << outcome.errors;
    EXPECT_EQ(outcome.out,
              "== 1 of 2\nTom and Lily were play\n\n== 2 of 2\nOnce upon a time, there was a\n\n");
}

TEST_F(GenerateMany, BadPromptsAreNamed) {
    const auto message = [&](const std::string& path) {
        const auto prompts = read_prompts(path);
        return prompts.ok() ? "" : prompts.error().message;
    };
    EXPECT_EQ(read_prompts(file("a.txt", "one\r\n\ntwo lines")).value(),
              (std::vector<std::string>{"one", "two lines"}));
    EXPECT_NE(message(file("empty.txt", "")).find("has no text"), std::string::npos);
    EXPECT_NE(message(folder + "/none.txt").find("none.txt"), std::string::npos);
    const std::string good = "{\"prompt\": \"a\"}\n\n";
    for (const char* bad : {"text", "{\"prompt\": 5}", "[\"a\"]", "{}", "{\"prompt\": \"a\""})
        EXPECT_EQ(message(file("b.jsonl", good + bad + "\n")),
                  "line 3 is not like {\"prompt\": \"text\"}")
            << bad;
    if (!std::filesystem::exists(model)) GTEST_SKIP() << "no stories260K: set CAIRN_TEST_DATA";
    const std::string words(4000, 'a');
    const Outcome longer = run(
        {"generate", "--model", model, "--prompts", file("long.txt", "short\n" + words), "--json"});
    EXPECT_EQ(longer.code, 1);
    EXPECT_NE(longer.errors.find("prompt 2: "), std::string::npos) << longer.errors;
}

}  // namespace
}  // namespace cairn::cli
