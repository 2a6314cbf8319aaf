// Defines what test_chain_node.h declares, for this folder's tests; proves nothing by itself.
#include <signal.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/random.h"
#include "base/sanitizers.h"
#include "cli/chain/test_chain_node.h"
#include "http/client.h"
#include "node/network_presets.h"

namespace cairn::cli {

using Json = nlohmann::json;

namespace {

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

}  // namespace

ChainFixture::ChainFixture() {
    std::string pattern = testing::TempDir() + "cairn-cli-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    folder_ = pattern;
    dir_ = folder_ + "/node";
    write_text(folder_ + "/judge.txt", 1, 6'000);
    write_text(folder_ + "/report.txt", 2, 6'000);
    write_text(folder_ + "/private.txt", 3, 20'000);
    ::setenv("CAIRN_WALLET_PASSWORD", "correct horse", 1);
}

ChainFixture::~ChainFixture() {
    std::error_code failure;
    std::filesystem::remove_all(folder_, failure);
    ::unsetenv("CAIRN_WALLET_PASSWORD");
}

Outcome ChainFixture::create_network(const std::vector<std::string>& more) {
    chain::NetworkDefinition network = *node::network_preset("tiny");
    // A trainer, several times as slow under a sanitizer, has to be in time for a round.
    network.spacing_ms = kSanitized ? 400 : 150;
    network.first_target = 0x1f0fffff;
    const std::string config = folder_ + "/config.json";
    std::ofstream(config) << chain::to_json(network);
    std::vector<std::string> arguments = {"network",  "create",
                                          "--dir",    dir_,
                                          "--config", config,
                                          "--name",   "test",
                                          "--judge",  folder_ + "/judge.txt",
                                          "--report", folder_ + "/report.txt",
                                          "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
}

Json ChainFixture::ask_in(const std::string& dir, std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--dir", dir, "--json"});
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.code, 0) << outcome.errors;
    return outcome.json();
}

Json ChainFixture::ask(const std::vector<std::string>& arguments) const {
    return ask_in(dir_, arguments);
}

bool ChainFixture::runs(const std::string& dir) {
    const Outcome outcome = run({"chain", "status", "--dir", dir, "--json"});
    return outcome.code == 0 && outcome.json()["state"] == "running";
}

std::uint64_t ChainFixture::height() {
    return ask({"chain", "info"}).value("height", std::uint64_t{0});
}

std::unique_ptr<Child> ChainFixture::start(std::vector<std::string> words, Json& first) {
    if (words.front() == "node") words.insert(words.end(), {"--map-port", "off"});
    words.push_back("--json");
    auto child = std::make_unique<Child>([words] { return Child::cairn(words); }, false);
    const auto line = [&] {
        const std::size_t begin = child->output().find('{');
        const std::size_t end = child->output().find('\n', begin);
        if (begin == std::string::npos || end == std::string::npos) return std::string();
        return child->output().substr(begin, end - begin);
    };
    EXPECT_TRUE(wait_for([&] {
        (void)child->reads("\n");
        return !line().empty();
    })) << child->output();
    first = Json::parse(line(), nullptr, false);
    return child;
}

Json ChainFixture::complete(const Json& first, const Json& asked) {
    http::Question question;
    question.address = first.value("address", "");
    question.path = "/v1/completions";
    question.json = asked.dump();
    const auto answer = http::ask(question);
    EXPECT_TRUE(answer.ok()) << answer.error().message;
    return answer.ok() ? Json::parse(answer->body, nullptr, false) : Json();
}

Outcome RunningNode::stop() {
    if (thread_.joinable()) {
        ::kill(::getpid(), SIGTERM);
        thread_.join();
    }
    return outcome_;
}

}  // namespace cairn::cli
