// Proves that the commands about networks, nodes, chain and wallet work together on one machine:
// a network is made, a real node trains and mines on it, and what every command says about the
// chain agrees with what replaying it gives.
#include "cli/chain/data_directory.h"
#include "cli/chain/test_chain_node.h"

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace cairn::cli {
namespace {

using Json = nlohmann::json;

class ChainCommands : public ChainFixture {};

TEST_F(ChainCommands, CreateIsReproducibleAndNeverOverwrites) {
    const std::vector<std::string> arguments = {"network",      "create",
                                                "--config",     "tiny",
                                                "--judge",      folder_ + "/judge.txt",
                                                "--report",     folder_ + "/report.txt",
                                                "--json",       "--genesis-time-ms",
                                                "1700000000000"};
    std::vector<std::string> first = arguments, second = arguments;
    first.insert(first.end(), {"--dir", folder_ + "/a"});
    second.insert(second.end(), {"--dir", folder_ + "/b"});
    const Outcome made = run(first);
    ASSERT_EQ(made.code, 0) << made.errors;
    EXPECT_EQ(made.json()["genesis_id"], run(second).json()["genesis_id"]);
    EXPECT_EQ(made.json()["parameters"], 30'880);
    const Outcome again = run(first);
    EXPECT_EQ(again.code, 1);
    EXPECT_EQ(again.json()["error"]["kind"], "refused");
}

TEST_F(ChainCommands, WhatNamesNothingIsMisused) {
    EXPECT_FALSE(height_in("zzzz").ok());
    EXPECT_EQ(height_in("zzzz").error().code, ErrorCode::kMisused);
    EXPECT_NE(height_in("abc").error().message.find("'abc' is neither a height"),
              std::string::npos);
    EXPECT_FALSE(height_in("abcd").value().has_value());
    EXPECT_EQ(height_in("40").value(), 40u);
}

TEST_F(ChainCommands, AFolderMayHaveAnyBytesInItsName) {
    dir_ = folder_ + "/\xFF\xFE";
    const Outcome made = create_network({"--json"});
    EXPECT_EQ(made.code, 0) << made.errors;
    EXPECT_TRUE(made.json().is_object()) << made.out;
    EXPECT_EQ(ask({"wallet", "create"})["keys"], 1);
}

TEST_F(ChainCommands, CreateSaysWhatIsWrong) {
    EXPECT_EQ(run({"network", "create", "--config", "tiny"}).code, 2) << "no texts";
    std::ofstream(folder_ + "/short.txt") << "too short";
    const Outcome outcome = run({"network", "create", "--dir", dir_, "--config", "tiny", "--judge",
                                 folder_ + "/judge.txt", "--report", folder_ + "/short.txt"});
    EXPECT_EQ(outcome.code, 1);
    EXPECT_NE(outcome.errors.find("tokens"), std::string::npos);
    EXPECT_EQ(run({"network", "create", "--dir", dir_, "--config", "huge", "--judge",
                   folder_ + "/judge.txt", "--report", folder_ + "/report.txt"})
                  .code,
              2);
    EXPECT_EQ(run({"network", "create", "--dir", dir_, "--config", "tiny", "--member", "abc",
                   "--judge", folder_ + "/judge.txt", "--report", folder_ + "/report.txt"})
                  .code,
              2);
}

TEST_F(ChainCommands, WithoutAChainEveryCommandSaysWhatToDo) {
    for (const std::vector<std::string>& command :
         std::vector<std::vector<std::string>>{{"chain", "info"},
                                               {"chain", "verify"},
                                               {"chain", "block", "1"},
                                               {"explain", "4"},
                                               {"peers"},
                                               {"wallet", "balance"}}) {
        std::vector<std::string> arguments = command;
        arguments.insert(arguments.end(), {"--dir", dir_});
        const Outcome outcome = run(arguments);
        EXPECT_EQ(outcome.code, 1);
        EXPECT_NE(outcome.errors.find("`cairn "), std::string::npos) << outcome.errors;
    }
    EXPECT_EQ(run({"chain"}).code, 2);
    EXPECT_EQ(run({"wallet", "send"}).code, 2);
    EXPECT_EQ(run({"explain"}).code, 2);
}

TEST_F(ChainCommands, ANodeTrainsMinesAndIsExplained) {
    ASSERT_EQ(create_network().code, 0);
    const Json wallet = ask({"wallet", "create"});
    const std::string address = wallet["address"];
    RunningNode node({"node", "--dir", dir_, "--train", folder_ + "/private.txt", "--mine",
                      "--wallet", "--listen", "", "--json"});
    ASSERT_TRUE(wait_for([&] { return runs(dir_); }));
    // However slow the machine: until something was merged and can be spent.
    ASSERT_TRUE(wait_for([&] {
        return height() >= 24 && ask({"wallet", "balance"})["spendable"] > 0;
    }));
    const auto to = static_cast<unsigned>(height()) / 4 * 4 - 4;

    const Json peers = ask({"peers"});
    EXPECT_EQ(peers["running"], true);
    // Beside the running node: what replay gives is what the block says.
    const Json verified = ask({"chain", "verify", "--to", std::to_string(to)});
    EXPECT_EQ(verified["state_root"], ask({"chain", "block", std::to_string(to)})["state_root"]);
    EXPECT_EQ(verified["merge_blocks"], to / 4);
    std::uint64_t merged = 0;
    for (unsigned merge = 4; merge <= to; merge += 4) {
        const Json explained = ask({"explain", std::to_string(merge)});
        EXPECT_FALSE(explained["sentences"].empty());
        for (const Json& record : explained["records"]) {
            EXPECT_EQ(record["contributor"], wallet["key"]);
            merged += record["merged"].get<bool>() ? 1 : 0;
        }
    }
    EXPECT_EQ(merged, verified["contributions"]);
    EXPECT_GT(merged, 0u) << "nothing was merged: the test proved little";

    // Pay somebody, and see it from every side.
    const Json before = ask({"wallet", "balance"});
    EXPECT_GT(before["spendable"], 0);
    const Json friend_address = ask({"wallet", "address", "--new"});
    const Json sent = ask({"wallet", "send", "--to", friend_address["address"], "--amount", "0.25",
                           "--fee", "0.001"});
    const std::string payment = sent["payment"];
    ASSERT_TRUE(wait_for([&] { return run({"explain", payment, "--dir", dir_}).code == 0; }));
    bool found = false;
    const Json history = ask({"wallet", "history"});
    for (const Json& entry : history["history"]) found = found || entry["payment"] == payment;
    EXPECT_TRUE(found);
    EXPECT_EQ(run({"wallet", "send", "--dir", dir_, "--to", address, "--amount", "99999"}).code, 1);

    const Outcome ended = node.stop();
    EXPECT_EQ(ended.code, 0) << ended.errors;
    EXPECT_EQ(ask({"peers"})["running"], false);
    const Json info = ask({"chain", "info"});
    EXPECT_EQ(ask({"chain", "verify"})["state_root"], info["state_root"]);
    EXPECT_EQ(ask({"chain", "verify"})["minted"], info["minted"]);
    EXPECT_EQ(run({"wallet", "send", "--dir", dir_, "--to", address, "--amount", "0.1"}).code, 1)
        << "sending needs a running node";
}

}  // namespace
}  // namespace cairn::cli
