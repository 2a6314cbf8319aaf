// Proves that the model of a chain leaves it as a file, beside a running node and without one: the
// same weights whether they were kept or are made again from the blocks, the one that the node
// serves unless another is named, and the best by report loss, also after a restart.
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/chain/test_chain_node.h"

namespace cairn::cli {
namespace {

using Json = nlohmann::json;

class ModelExport : public ChainFixture {
  protected:
    std::string file(const std::string& name) const { return folder_ + "/" + name; }
    Json exported(const std::string& name, std::vector<std::string> more = {}) const {
        std::vector<std::string> arguments = {"model", "export", "--out", file(name), "--force"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return ask(arguments);
    }
    bool same_model(const std::string& a, const std::string& b) const {
        const Outcome outcome =
            run({"model", "verify", "--model", file(a), "--against", file(b), "--json"});
        EXPECT_EQ(outcome.code, 0) << outcome.errors;
        return outcome.json()["against"]["same"].get<bool>();
    }
    /// Of the merge block whose model answers.
    std::uint64_t served() const {
        const Outcome outcome =
            run({"generate", "--dir", dir_, "--prompt", "a", "--steps", "1", "--json"});
        EXPECT_EQ(outcome.code, 0) << outcome.errors;
        const std::string model = outcome.json()["model"];
        return std::stoull(model.substr(model.find('@') + 1));
    }
};

TEST_F(ModelExport, AnyHeightOfTheChainBecomesAFile) {
    ASSERT_EQ(create_network().code, 0);
    std::uint64_t best = 0;
    {
        RunningNode node({"node", "--dir", dir_, "--train", file("private.txt"), "--mine",
                          "--listen", "", "--api", "127.0.0.1:0"});
        ASSERT_TRUE(wait_for([&] { return runs(dir_); }));
        EXPECT_EQ(exported("first.cairn", {"--at", "0"})["height"], 0);
        ASSERT_TRUE(wait_for([&] { return served() >= 8; }));
        const std::uint64_t before = served();
        const Json now = exported("now.gguf");
        EXPECT_GE(now["height"], before);
        EXPECT_LE(now["height"], height());
        EXPECT_EQ(now["height"].get<std::uint64_t>() % 4, 0U);
        const Json running = exported("running.cairn", {"--at", "best"});
        best = running["height"];
        EXPECT_GT(best, 0U);
        EXPECT_EQ(node.stop().code, 0);
    }
    const Json kept = exported("best.cairn", {"--at", "best"});
    EXPECT_GE(kept["height"], best) << "remembered over the node's end";
    EXPECT_EQ(kept["replayed"], 0);
    const std::string at = std::to_string(kept["height"].get<std::uint64_t>());
    EXPECT_EQ(kept["state_root"], ask({"chain", "block", at})["state_root"]);
    EXPECT_LT(kept["report_loss"], 5.7) << "of what was learnt";
    EXPECT_EQ(kept["report_loss"], ask({"chain", "info"})["best"]["report_loss"]);

    // Made again from the blocks, by the rules, it is the same to the bit.
    std::filesystem::remove_all(dir_ + "/models");
    std::filesystem::remove_all(dir_ + "/snapshots");
    const Json again = exported("again.gguf", {"--at", at});
    EXPECT_EQ(again["height"], kept["height"]);
    EXPECT_GE(again["replayed"], kept["height"]);
    EXPECT_TRUE(same_model("again.gguf", "best.cairn"));
    EXPECT_FALSE(same_model("again.gguf", "first.cairn"));
    // The node may have been stopped right on it.
    const std::uint64_t above = std::min(kept["height"].get<std::uint64_t>() + 1, height());
    EXPECT_EQ(exported("between.cairn", {"--at", std::to_string(above)})["height"], kept["height"])
        << "of the last merge block up to there";

    const Json report = ask({"eval", "--at", at});
    EXPECT_EQ(report["height"], kept["height"]);
    EXPECT_NEAR(report["loss"], kept["report_loss"], 0.2) << "over all of the text, not a sample";
    const Json began = ask({"eval", "--at", "0", "--text", file("private.txt")});
    const Json learnt = ask({"eval", "--at", at, "--text", file("private.txt")});
    EXPECT_LT(learnt["loss"], began["loss"]);
    const Json by_file =
        run({"eval", "--model", file("best.cairn"), "--text", file("private.txt"), "--json"})
            .json();
    EXPECT_EQ(by_file["loss_sum"], learnt["loss_sum"]);
}

TEST_F(ModelExport, WhatCannotBeSaysWhatToDo) {
    const auto refused = [&](std::vector<std::string> more, int code, const std::string& word) {
        std::vector<std::string> arguments = {"model", "export", "--dir", dir_};
        arguments.insert(arguments.end(), more.begin(), more.end());
        const Outcome outcome = run(arguments);
        EXPECT_EQ(outcome.code, code) << outcome.errors;
        EXPECT_NE(outcome.errors.find(word), std::string::npos) << outcome.errors;
    };
    refused({"--out", file("a.gguf")}, 1, "cairn network create");
    ASSERT_EQ(create_network().code, 0);
    refused({"--out", file("a.gguf")}, 1, "cairn node");
    {
        RunningNode node({"node", "--dir", dir_, "--listen", "", "--no-api"});
        ASSERT_TRUE(wait_for([&] { return run({"chain", "info", "--dir", dir_}).code == 0; }));
    }
    refused({"--out", file("a.gguf"), "--at", "best"}, 1, "report loss");
    refused({"--out", file("a.gguf"), "--at", "100"}, 1, "ends at height 0");
    refused({"--out", file("a.gguf"), "--at", "worst"}, 2, "a height or best");
    refused({"--out", dir_ + "/network.json", "--to", "gguf", "--force"}, 1, "network.json");
    refused({"--out", dir_}, 1, "folder of");
    refused({}, 2, "--out");
    EXPECT_EQ(ask({"model", "export", "--out", file("a.gguf")})["height"], 0);
    EXPECT_EQ(run({"eval", "--dir", dir_, "--model", "m"}).code, 2);
    EXPECT_EQ(run({"eval", "--at", "best", "--model", "m", "--text", "t"}).code, 2);
}

}  // namespace
}  // namespace cairn::cli
