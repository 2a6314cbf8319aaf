// Proves that a person can show what is on a real node's chain to somebody who has none: a coin is
// traced to its coinbases, a payment and a contribution are proved, a file is stamped, and whoever
// is shown something else notices.
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cli/chain/proof_words.h"
#include "cli/chain/test_chain_node.h"

namespace cairn::cli {
namespace {

using Json = nlohmann::json;

class ProofCommands : public ChainFixture {
  protected:
    std::string at(const std::string& name) const { return folder_ + "/" + name; }
    void flip_byte(const std::string& path, std::size_t place) {
        std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
        file.seekg(static_cast<std::streamoff>(place));
        const char byte = static_cast<char>(file.get() ^ 1);
        file.seekp(static_cast<std::streamoff>(place));
        file.put(byte);
    }
    void check_trace(const std::string& payment) {
        const Json trace = ask({"coin", "trace", payment + ":0"});
        EXPECT_EQ(trace["amount"], 25'000'000);
        EXPECT_EQ(trace["steps"][0]["id"], payment);
        EXPECT_EQ(trace["steps"][0]["kind"], "payment");
        EXPECT_GT(trace["coinbases"], 0);
        EXPECT_EQ(trace["not_followed"], 0);
        for (const Json& step : trace["steps"])
            EXPECT_TRUE(step["kind"] == "coinbase" || step["signed"] == true) << step;
        const Json cut = ask({"coin", "trace", payment.substr(0, 16), "--max", "1"});
        EXPECT_GT(cut["not_followed"], 0);
        const Outcome shown = run({"coin", "trace", payment, "--dir", dir_, "--max", "1"});
        EXPECT_NE(shown.out.find("Cut:"), std::string::npos) << shown.out;
        EXPECT_EQ(run({"coin", "trace", "zz:0", "--dir", dir_}).code, 2);
        EXPECT_EQ(run({"coin", "trace", payment + ":x", "--dir", dir_}).code, 2);
        EXPECT_EQ(run({"coin", "trace", payment + ":9", "--dir", dir_}).code, 1);
        EXPECT_EQ(run({"coin", "trace", "0000000000000000:0", "--dir", dir_}).code, 1);
    }
    void check_payment(const std::string& payment) {
        const std::string network = dir_ + "/network.json";
        const Json made = ask({"chain", "prove", payment.substr(0, 16), "--out", at("p.proof")});
        EXPECT_EQ(made["kind"], "payment");
        EXPECT_GT(made["confirmations"], 0);
        const auto check = [&](std::vector<std::string> more) {
            more.insert(more.begin(), {"chain", "check-proof", at("p.proof"), "--json"});
            return run(more);
        };
        const Outcome checked = check({"--network", network});
        ASSERT_EQ(checked.code, 0) << checked.errors;
        EXPECT_EQ(checked.json()["id"], payment);
        EXPECT_EQ(checked.json()["block"],
                  ask({"chain", "block", std::to_string(made["height"].get<int>())})["hash"]);
        EXPECT_EQ(check({"--through", made["block"]}).code, 0);
        EXPECT_EQ(check({"--through", std::string(64, 'a')}).code, 1);
        EXPECT_EQ(check({"--through", "abc"}).code, 2);
        EXPECT_EQ(check({"--least-work", "2^10"}).code, 0);
        EXPECT_EQ(check({"--least-work", "2^200"}).code, 1);
        EXPECT_EQ(check({"--least-work", "much"}).code, 2);
        EXPECT_EQ(check({"--confirmations", "100000"}).code, 1);
        // Another network's definition, equal but for its name.
        std::ifstream file(network);
        Json other = Json::parse(file);
        other["name"] = "other";
        std::ofstream(at("other.json")) << other;
        const Outcome strange = check({"--network", at("other.json")});
        EXPECT_EQ(strange.code, 1);
        EXPECT_NE(strange.errors.find("another network"), std::string::npos) << strange.errors;
        // From a later block on: shorter, and said to be tied to nothing.
        const std::string from = std::to_string(made["height"].get<int>() - 2);
        const Json part = ask({"chain", "prove", payment, "--out", at("q.proof"), "--from", from});
        EXPECT_LT(part["bytes"], made["bytes"]);
        const Outcome loose = run({"chain", "check-proof", at("q.proof")});
        EXPECT_NE(loose.out.find("ties to the network"), std::string::npos) << loose.out;
        EXPECT_EQ(run({"chain", "prove", payment, "--dir", dir_, "--from", "4000000"}).code, 2);
        flip_byte(at("p.proof"), made["bytes"].get<std::size_t>() - 40);
        EXPECT_EQ(check({}).code, 1);
        EXPECT_EQ(run({"chain", "check-proof", network}).code, 1);
        EXPECT_EQ(run({"chain", "check-proof", at("none")}).code, 1);
        EXPECT_EQ(run({"chain", "prove", payment, "--dir", dir_, "--kind", "block"}).code, 2);
        EXPECT_EQ(run({"chain", "prove", "0", "--dir", dir_}).code, 2);
    }
    /// What a running node says by its API is what its folder says, for those who name it in full.
    void check_node(const std::string& payment) {
        std::ifstream file(dir_ + "/api.json");
        const std::string address = Json::parse(file)["address"];
        const Outcome traced = run({"coin", "trace", payment + ":0", "--node", address, "--json"});
        ASSERT_EQ(traced.code, 0) << traced.errors;
        EXPECT_EQ(traced.json(), ask({"coin", "trace", payment + ":0"}));
        EXPECT_EQ(run({"coin", "trace", payment.substr(0, 12), "--node", address}).code, 2);
        EXPECT_EQ(run({"coin", "trace", std::string(64, 'a') + ":0", "--node", address}).code, 1);
        const Outcome made =
            run({"chain", "prove", payment, "--node", address, "--out", at("n.proof"), "--json"});
        ASSERT_EQ(made.code, 0) << made.errors;
        EXPECT_EQ(made.json()["id"], payment);
        EXPECT_EQ(run({"chain", "prove", "1", "--node", address, "--out", at("n.proof")}).code, 0);
        const Outcome checked =
            run({"chain", "check-proof", at("n.proof"), "--network", dir_ + "/network.json"});
        EXPECT_EQ(checked.code, 0) << checked.errors;
        EXPECT_EQ(run({"chain", "prove", payment, "--node", address, "--kind", "block", "--out",
                       at("n.proof")})
                      .code,
                  1);
    }
    void check_contribution() {
        for (unsigned merge = 4;; merge += 4) {
            ASSERT_LE(merge, height()) << "no contribution was merged";
            const Json block = ask({"chain", "block", std::to_string(merge)});
            if (block["contributions"].empty()) continue;
            const std::string id = block["contributions"][0]["commitment"];
            const Json made = ask({"chain", "prove", id, "--out", at("c.proof")});
            EXPECT_EQ(made["kind"], "contribution");
            EXPECT_EQ(made["height"], merge);
            const Json promise =
                ask({"chain", "prove", id, "--kind", "commitment", "--out", at("d.proof")});
            EXPECT_EQ(promise["kind"], "commitment");
            EXPECT_LT(promise["height"], merge);
            return;
        }
    }
    void check_timestamp() {
        const std::string file = at("thesis.txt");
        std::ofstream(file) << "all of it";
        const Json made = ask({"timestamp", file, "--wait", "--confirmations", "2"});
        EXPECT_GE(made["confirmations"], 2);
        const std::string proof = made["proof"];
        EXPECT_EQ(proof, file + ".proof");
        const auto check = [&] {
            return run({"timestamp", file, "--check", proof, "--network", dir_ + "/network.json"});
        };
        const Outcome good = check();
        EXPECT_EQ(good.code, 0) << good.errors;
        EXPECT_NE(good.out.find("existed when that block was found"), std::string::npos);
        // It is a proof of a payment as any other, and is never paid for twice.
        EXPECT_EQ(run({"chain", "check-proof", proof}).code, 0);
        EXPECT_EQ(run({"timestamp", file, "--dir", dir_}).code, 1) << "the proof is there already";
        const Json again = ask({"timestamp", file, "--out", at("again.proof")});
        EXPECT_EQ(again["payment"], made["payment"]);
        EXPECT_EQ(run({"chain", "prove", made["payment"], "--dir", dir_, "--out", file}).code, 0)
            << "--out replaces what it names";
        EXPECT_EQ(check().code, 1) << "the file is another one now";
        EXPECT_EQ(run({"timestamp", at("none"), "--dir", dir_}).code, 1);
        EXPECT_EQ(run({"timestamp", file, "--check", proof, "--wait"}).code, 2);
    }
};

TEST(ParseWork, TakesNumbersAndPowers) {
    EXPECT_EQ(*parse_work("2^40"), chain::U256::shifted(1, 40).big_endian());
    EXPECT_EQ(*parse_work("1000"), chain::U256(1000).big_endian());
    for (const char* bad : {"", "2^", "2^256", "-1", "1e9", "2^x"})
        EXPECT_FALSE(parse_work(bad).ok()) << bad;
}

TEST_F(ProofCommands, WhatIsOnAChainCanBeShown) {
    ASSERT_EQ(create_network().code, 0);
    ask({"wallet", "create"});
    RunningNode node({"node", "--dir", dir_, "--train", folder_ + "/private.txt", "--mine",
                      "--wallet", "--listen", "", "--json"});
    ASSERT_TRUE(wait_for([&] { return runs(dir_); }));
    ASSERT_TRUE(wait_for([&] { return ask({"wallet", "balance"})["spendable"] > 50'000'000; }));
    const Json to = ask({"wallet", "address", "--new"});
    const Json sent = ask({"wallet", "send", "--to", to["address"], "--amount", "0.25"});
    const std::string payment = sent["payment"];
    ASSERT_TRUE(wait_for([&] { return run({"explain", payment, "--dir", dir_}).code == 0; }));
    check_trace(payment);
    check_node(payment);
    check_contribution();
    check_timestamp();
    EXPECT_EQ(node.stop().code, 0);
    check_payment(payment);
}

TEST_F(ProofCommands, WithoutAChainOrANodeTheySayWhatToDo) {
    std::ofstream(at("file.txt")) << "text";
    for (const std::vector<std::string>& command :
         std::vector<std::vector<std::string>>{{"coin", "trace", "5f3a:0"},
                                               {"chain", "prove", "5f3a"},
                                               {"timestamp", at("file.txt")}}) {
        std::vector<std::string> arguments = command;
        arguments.insert(arguments.end(), {"--dir", dir_});
        const Outcome outcome = run(arguments);
        EXPECT_EQ(outcome.code, 1);
        EXPECT_NE(outcome.errors.find("`cairn "), std::string::npos) << outcome.errors;
    }
}

}  // namespace
}  // namespace cairn::cli
