// A tiny network and nodes on it, inside a test of the commands about chain and wallet. Only for
// tests.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <thread>
#include <vector>

#include "cli/test_child.h"
#include "cli/test_run.h"

namespace cairn::cli {

/// A folder with texts, and a network in it when asked for. CAIRN_WALLET_PASSWORD is set.
class ChainFixture : public testing::Test {
  protected:
    ChainFixture();
    ~ChainFixture() override;
    /// As tiny as the preset, but with blocks as fast as a test wants them.
    Outcome create_network(const std::vector<std::string>& more = {});
    /// The command's JSON; a failure of the command is a failure of the test.
    nlohmann::json ask(const std::vector<std::string>& arguments) const;
    static nlohmann::json ask_in(const std::string& dir, std::vector<std::string> arguments);
    std::uint64_t height();
    /// Whether a node runs on the folder and has read its chain.
    static bool runs(const std::string& dir);
    /// A process of the program that listens; `first` is its first line.
    static std::unique_ptr<Child> start(std::vector<std::string> words, nlohmann::json& first);
    /// What `cairn serve`, whose first line this is, answers to a completion; a refusal of it too.
    static nlohmann::json complete(const nlohmann::json& first, const nlohmann::json& asked);

    std::string folder_, dir_;
};

/// A node in this process, as `cairn node` runs it, until the test ends.
class RunningNode {
  public:
    explicit RunningNode(std::vector<std::string> arguments)
        : thread_([this, arguments] { outcome_ = run(arguments); }) {}
    ~RunningNode() { stop(); }
    Outcome stop();

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

}  // namespace cairn::cli
