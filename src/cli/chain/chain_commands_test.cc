// Proves that the commands about networks, nodes, chain and wallet work together on one machine:
// a network is made, a real node trains and mines on it, and what every command says about the
// chain agrees with what replaying it gives.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "base/random.h"
#include "cli/chain/network_command.h"
#include "cli/test_run.h"

namespace cairn::cli {
namespace {

using Json = nlohmann::json;

// Sentences of a language with forty words: enough structure for a tiny model to learn.
void write_text(const std::string& path, std::uint64_t seed, std::size_t words) {
    SeededRandom random(seed);
    std::ofstream file(path);
    for (std::size_t i = 0; i < words; ++i) {
        const std::uint64_t word = random.below(40);
        for (std::uint64_t k = 0; k < 2 + word % 3; ++k)
            file << static_cast<char>('a' + (7 * word + 3 * k) % 26);
        file << (i % 9 == 8 ? ".\n" : " ");
    }
}

class ChainCommands : public testing::Test {
  protected:
    ChainCommands() {
        std::string pattern = testing::TempDir() + "cairn-cli-XXXXXX";
        if (::mkdtemp(pattern.data()) == nullptr) std::abort();
        folder_ = pattern;
        dir_ = folder_ + "/node";
        write_text(folder_ + "/judge.txt", 1, 6'000);
        write_text(folder_ + "/report.txt", 2, 6'000);
        write_text(folder_ + "/private.txt", 3, 20'000);
        ::setenv("CAIRN_WALLET_PASSWORD", "correct horse", 1);
    }
    ~ChainCommands() override {
        std::error_code failure;
        std::filesystem::remove_all(folder_, failure);
        ::unsetenv("CAIRN_WALLET_PASSWORD");
    }
    /// As tiny, but with blocks as fast as a test wants them.
    Outcome create_network() {
        chain::NetworkDefinition network = *network_preset("tiny");
        network.spacing_ms = 150;
        network.first_target = 0x1f0fffff;
        const std::string config = folder_ + "/config.json";
        std::ofstream(config) << chain::to_json(network);
        return run({"network", "create", "--dir", dir_, "--config", config, "--name", "test",
                    "--judge", folder_ + "/judge.txt", "--report", folder_ + "/report.txt",
                    "--json"});
    }
    Json ask(std::vector<std::string> arguments) {
        arguments.insert(arguments.end(), {"--dir", dir_, "--json"});
        const Outcome outcome = run(arguments);
        EXPECT_EQ(outcome.code, 0) << outcome.errors;
        return outcome.json();
    }
    std::uint64_t height() { return ask({"chain", "info"}).value("height", std::uint64_t{0}); }

    std::string folder_, dir_;
};

/// A node in this process, as `cairn node` runs it, until the test ends.
class RunningNode {
  public:
    explicit RunningNode(std::vector<std::string> arguments)
        : thread_([this, arguments] { outcome_ = run(arguments); }) {}
    ~RunningNode() { stop(); }
    Outcome stop() {
        if (thread_.joinable()) {
            ::kill(::getpid(), SIGTERM);
            thread_.join();
        }
        return outcome_;
    }

  private:
    Outcome outcome_;
    std::thread thread_;
};

template <typename Condition>
bool wait_for(Condition condition, int seconds = 120) {
    for (int i = 0; i < seconds * 10; ++i) {
        if (condition()) return true;
        ::usleep(100'000);
    }
    return false;
}

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
              1);
    EXPECT_EQ(run({"network", "create", "--dir", dir_, "--config", "tiny", "--member", "abc",
                   "--judge", folder_ + "/judge.txt", "--report", folder_ + "/report.txt"})
                  .code,
              1);
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
    ASSERT_TRUE(wait_for([&] { return std::filesystem::exists(dir_ + "/api.json"); }));
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

TEST_F(ChainCommands, WalletsComeBackFromTheirSeed) {
    const Json made = ask({"wallet", "create"});
    EXPECT_EQ(run({"wallet", "create", "--dir", dir_}).code, 1) << "never overwritten";
    const std::string other = folder_ + "/other";
    const Outcome restored = run(
        {"wallet", "restore", "--dir", other, "--seed", made["seed"].get<std::string>(), "--json"});
    ASSERT_EQ(restored.code, 0) << restored.errors;
    EXPECT_EQ(restored.json()["address"], made["address"]);
    EXPECT_EQ(run({"wallet", "restore", "--dir", folder_, "--seed", "1234"}).code, 1);
    std::ofstream(folder_ + "/wrong.txt") << "wrong password\n";
    const Outcome wrong = run(
        {"wallet", "address", "--dir", dir_, "--password-file", folder_ + "/wrong.txt", "--json"});
    EXPECT_EQ(wrong.code, 1);
    EXPECT_EQ(wrong.json()["error"]["kind"], "refused");
}

}  // namespace
}  // namespace cairn::cli
