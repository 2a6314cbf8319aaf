// Proves that a node on a real chain is talked with by one command: `cairn chat --dir` and
// `cairn generate --dir` or `--node` get answers of the chain's own model, which name the height of
// its merge block, from the start of the chain on.
#include "cli/chain/test_chain_node.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "api/api_file.h"
#include "cli/write/chat_command.h"
#include "http/client.h"

namespace cairn::cli {
namespace {

using Json = nlohmann::json;

class AskNode : public ChainFixture {
  protected:
    Json generate(std::vector<std::string> where, std::vector<std::string> more = {}) const {
        std::vector<std::string> arguments = {"generate", "--prompt", "And",
                                              "--steps",  "5",        "--json"};
        arguments.insert(arguments.end(), where.begin(), where.end());
        arguments.insert(arguments.end(), more.begin(), more.end());
        const Outcome outcome = run(arguments);
        EXPECT_EQ(outcome.code, 0) << outcome.out << outcome.errors;
        return outcome.json();
    }
    /// Of the merge block whose model answered: what stands behind "test@".
    static std::uint64_t height_of(const Json& answer) {
        const std::string model = answer.value("model", "");
        EXPECT_TRUE(model.starts_with("test@")) << answer;
        return std::stoull(model.substr(model.find('@') + 1));
    }
};

TEST_F(AskNode, ItsChainsModelAnswers) {
    ASSERT_EQ(create_network().code, 0);
    const Outcome nobody = run({"generate", "--dir", dir_, "--prompt", "And"});
    EXPECT_EQ(nobody.code, 1);
    EXPECT_NE(nobody.errors.find("cairn node --dir"), std::string::npos) << nobody.errors;
    EXPECT_EQ(run({"chat", "--dir", dir_}).code, 1);
    const std::string text = folder_ + "/judge.txt";
    RunningNode node(
        {"node", "--dir", dir_, "--train", text, "--mine", "--api", "127.0.0.1:0", "--seed", "3"});
    ASSERT_TRUE(wait_for([&] { return runs(dir_); }));
    const Json first = generate({"--dir", dir_});
    const std::uint64_t began = height_of(first);
    EXPECT_GE(first["tokens"], 1);
    EXPECT_LE(first["tokens"], 5);
    // The model has room for 32 tokens: --steps, and its default of 256, say what is most.
    const Outcome all = run({"generate", "--dir", dir_, "--prompt", "And", "--json"});
    ASSERT_EQ(all.code, 0) << all.errors;
    EXPECT_LT(all.json()["tokens"], 32);
    if (all.json()["stop"] == "length") {
        EXPECT_GT(all.json()["tokens"], 16) << "what the API gives whoever names no number";
    }

    ASSERT_TRUE(wait_for([&] { return height_of(generate({"--dir", dir_})) > began; }));
    const auto file = api::read_api_file(dir_);
    ASSERT_TRUE(file.ok());
    const auto models = http::ask({.address = file->address, .path = "/v1/models"});
    ASSERT_TRUE(models.ok());
    EXPECT_EQ(Json::parse(models->body)["data"][0]["id"], "test");
    const Json by_address = generate({"--node", file->address},
                                     {"--temperature", "0.8", "--top-k", "5", "--min-p", "0.01",
                                      "--stop", "zzz", "--repetition-penalty", "1.1"});
    EXPECT_GT(height_of(by_address), began);

    // What the node says of its model is what its folder says.
    ASSERT_TRUE(wait_for([&] { return run({"eval", "--node", file->address}).code == 0; }));
    const Json far = run({"eval", "--node", file->address, "--at", "best", "--json"}).json();
    const Json near =
        run({"eval", "--dir", dir_, "--at", to_string(far["height"]), "--json"}).json();
    EXPECT_EQ(far["network"], "test");
    EXPECT_EQ(far["loss"], near["report_loss"]);
    EXPECT_EQ(far["measured_by"], "node");
    EXPECT_EQ(run({"eval", "--node", file->address, "--text", text}).code, 2);
    EXPECT_EQ(run({"eval", "--node", file->address, "--at", "0"}).code, 1);

    ChatRequest request;
    request.dir = dir_;
    request.json = true;
    // The model remembers 32 tokens: no answer of the usual length fits, and soon not all turns.
    std::istringstream lines("The\nand\nof\nto\n");
    console::StreamLineReader in(lines);
    std::ostringstream out;
    const auto code = run_chat(request, in, out);
    ASSERT_TRUE(code.ok()) << code.error().message;
    const Json talk = Json::parse(out.str());
    ASSERT_EQ(talk["turns"].size(), 4u) << out.str();
    EXPECT_FALSE(talk["turns"][0].contains("forgotten"));
    EXPECT_GE(talk["turns"][3]["forgotten"], 2);
    EXPECT_LE(talk["turns"][3]["written"], 16);
    EXPECT_GT(height_of(talk["turns"][1]), began);
    EXPECT_EQ(node.stop().code, 0);
}

TEST_F(AskNode, WhatItsApiDoesNotHaveIsRefusedByName) {
    EXPECT_EQ(run({"generate", "--prompt", "And"}).code, 2) << "nobody to ask";
    for (const std::vector<std::string>& more : {std::vector<std::string>{"--model", "m"},
                                                 {"--tokenizer", "t"},
                                                 {"--kv", "f16"},
                                                 {"--prompts", "p"},
                                                 {"--threads", "2"},
                                                 {"--server", "a:1"},
                                                 {"--logprobs"},
                                                 {"--node", "127.0.0.1:1"},
                                                 {"--token-file", "f"}}) {
        std::vector<std::string> arguments = {"generate", "--dir", dir_};
        arguments.insert(arguments.end(), more.begin(), more.end());
        const Outcome outcome = run(arguments);
        EXPECT_EQ(outcome.code, 2) << more[0];
        EXPECT_NE(outcome.errors.find(more[0]), std::string::npos) << outcome.errors;
    }
    EXPECT_EQ(run({"chat", "--dir", dir_, "--model", "m"}).code, 2);
    EXPECT_EQ(run({"chat", "--dir", dir_, "--node", "127.0.0.1:1"}).code, 2);
    const Outcome away = run({"generate", "--node", "127.0.0.1:1", "--prompt", "And"});
    EXPECT_EQ(away.code, 1);
    const Outcome unmeasured = run({"eval", "--node", "127.0.0.1:1"});
    EXPECT_EQ(unmeasured.code, 1);
    EXPECT_NE(unmeasured.errors.find("no node answers at"), std::string::npos) << unmeasured.errors;
    EXPECT_NE(away.errors.find("no node answers at 127.0.0.1:1"), std::string::npos) << away.errors;
}

}  // namespace
}  // namespace cairn::cli
