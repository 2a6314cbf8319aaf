// Proves that a node in trouble says what is wrong and what to do, keeps saying it as long as it
// lasts, and answers meanwhile. Whole nodes over loopback, asked as people ask them.
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cli/chain/test_chain_node.h"

namespace cairn::cli {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

class NodeConditions : public ChainFixture {
  protected:
    NodeConditions() { EXPECT_EQ(create_network().code, 0); }
    /// The condition with this name that the node of the folder tells now, or null.
    static Json condition(const std::string& dir, const std::string& name) {
        const Outcome outcome = run({"chain", "status", "--dir", dir, "--json"});
        if (outcome.code != 0) return nullptr;
        const Json status = outcome.json();
        for (const Json& one : status["conditions"])
            if (one["name"] == name) return one;
        return nullptr;
    }
    static bool tells(const std::string& dir, const std::string& name, const std::string& words) {
        const Json found = condition(dir, name);
        return found.is_object() &&
               found["message"].get<std::string>().find(words) != std::string::npos;
    }
};

TEST_F(NodeConditions, NobodyListensThere) {
    RunningNode node({"node", "--dir", dir_, "--json", "--connect", "127.0.0.1:1"});
    ASSERT_TRUE(wait_for([&] { return tells(dir_, "no_peers", "nothing listens there"); }));
    const Json found = condition(dir_, "no_peers");
    EXPECT_TRUE(found["trouble"]);
    EXPECT_NE(found["message"].get<std::string>().find("127.0.0.1:1"), std::string::npos);
    EXPECT_NE(found["advice"].get<std::string>().find("port"), std::string::npos);
    EXPECT_GT(found["since_ms"], 1'700'000'000'000);
    const Outcome shown = run({"chain", "status", "--dir", dir_});
    EXPECT_EQ(shown.code, 0);
    EXPECT_NE(shown.out.find("nothing listens there"), std::string::npos) << shown.out;
    EXPECT_TRUE(runs(dir_)) << "it goes on all the same";
    EXPECT_EQ(node.stop().code, 0);
}

TEST_F(NodeConditions, WhoKnowsNobodyIsNotInTrouble) {
    RunningNode node({"node", "--dir", dir_, "--json"});
    ASSERT_TRUE(wait_for([&] { return tells(dir_, "no_peers", "no address of one is known"); }));
    EXPECT_FALSE(condition(dir_, "no_peers")["trouble"]);
    EXPECT_EQ(node.stop().code, 0);
}

// Before it has the files that its network names, it knows no chain and says so.
TEST_F(NodeConditions, FilesThatNobodyGivesAreWaitedForAloud) {
    const std::string bare = folder_ + "/bare";
    fs::create_directories(bare);
    fs::copy(dir_ + "/network.json", bare + "/network.json");
    RunningNode node({"node", "--dir", bare, "--json", "--connect", "127.0.0.1:1"});
    ASSERT_TRUE(wait_for([&] {
        return tells(bare, "fetching_files", "must still come") &&
               tells(bare, "no_peers", "nothing listens there");
    }));
    const Json status = ask_in(bare, {"chain", "status"});
    EXPECT_EQ(status["state"], "fetching");
    EXPECT_TRUE(status["height"].is_null()) << "not 0";
    EXPECT_FALSE(status["missing_assets"].empty());
    const Outcome early = run({"explain", "1", "--dir", bare});
    EXPECT_NE(early.code, 0);
    EXPECT_EQ(node.stop().code, 0);
}

TEST_F(NodeConditions, ASecretThatOthersCanOpenIsSaidAndItsEndToo) {
    RunningNode node({"node", "--dir", dir_, "--json"});
    ASSERT_TRUE(wait_for([&] { return runs(dir_); }));
    const std::string key = dir_ + "/node.key";
    ::chmod(key.c_str(), 0644);
    ASSERT_TRUE(wait_for([&] { return tells(dir_, "secrets_readable", key); }));
    EXPECT_NE(condition(dir_, "secrets_readable")["advice"].get<std::string>().find("chmod 600"),
              std::string::npos);
    ::chmod(key.c_str(), 0600);
    EXPECT_TRUE(wait_for([&] { return condition(dir_, "secrets_readable").is_null(); }));
    EXPECT_EQ(node.stop().code, 0);
}

TEST_F(NodeConditions, AnEditedNetworkIsNotTakenForAnotherChain) {
    {
        RunningNode node({"node", "--dir", dir_, "--json"});
        ASSERT_TRUE(wait_for([&] { return runs(dir_); }));
        EXPECT_EQ(node.stop().code, 0);
    }
    Json definition = Json::parse(std::ifstream(dir_ + "/network.json"));
    definition["name"] = "renamed";
    std::ofstream(dir_ + "/network.json") << definition;
    const Outcome refused = run({"node", "--dir", dir_});
    EXPECT_EQ(refused.code, 1);
    EXPECT_NE(refused.errors.find("edited or replaced"), std::string::npos) << refused.errors;
    EXPECT_FALSE(fs::exists(dir_ + "/api.json"));
}

TEST_F(NodeConditions, WithoutItsApiANodeSaysWhyAndEnds) {
    fs::create_directories(dir_ + "/api.json");  // so that the file cannot be made
    const Outcome outcome = run({"node", "--dir", dir_});
    EXPECT_EQ(outcome.code, 1);
    EXPECT_NE(outcome.errors.find("api.json"), std::string::npos) << outcome.errors;
}

TEST_F(NodeConditions, ASecondNodeOnTheFolderHarmsTheFirstInNothing) {
    RunningNode node({"node", "--dir", dir_, "--json"});
    ASSERT_TRUE(wait_for([&] { return runs(dir_); }));
    const Outcome second = run({"node", "--dir", dir_});
    EXPECT_EQ(second.code, 1);
    EXPECT_NE(second.errors.find("another cairn node is using"), std::string::npos);
    EXPECT_TRUE(runs(dir_)) << "its api.json is still there";
    EXPECT_EQ(node.stop().code, 0);
}

}  // namespace
}  // namespace cairn::cli
