// Proves that `cairn node` refuses by name what it would otherwise drop in silence or find out
// late: addresses, options without their reason, a foreign network.json, a port in use.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "base/files.h"
#include "chain/network.h"
#include "cli/test_run.h"
#include "node/network_presets.h"

namespace cairn::cli {
namespace {

class NodeCommand : public testing::Test {
  protected:
    NodeCommand() : dir_(*make_temporary_folder("cairn-node-command")) {
        // Enough to be asked about; its texts are nowhere, so a node would not get far.
        write_network("network.json", 1);
    }
    ~NodeCommand() override { (void)remove_tree(dir_); }
    void write_network(const std::string& name, std::uint64_t seed) {
        chain::NetworkDefinition network = *node::network_preset("tiny");
        network.name = "tiny-" + std::to_string(seed);
        network.weights_seed = seed;
        network.genesis_time_ms = 1'700'000'000'000;
        std::ofstream(dir_ + "/" + name) << chain::to_json(network);
    }
    Outcome node(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), {"node", "--dir", dir_});
        return run(arguments);
    }

    std::string dir_;
};

#define EXPECT_MISUSED(outcome, word)                                                              \
    do {                                                                                           \
        const Outcome misused_outcome = (outcome);                                                 \
        EXPECT_EQ(misused_outcome.code, 2);                                                        \
        EXPECT_NE(misused_outcome.errors.find(word), std::string::npos) << misused_outcome.errors; \
    } while (false)

TEST_F(NodeCommand, AddressesAreReadBeforeAnythingElse) {
    EXPECT_MISUSED(node({"--listen", "127.0.0.1"}), "--listen");
    EXPECT_MISUSED(node({"--listen", "127.0.0.1"}), "no port");
    EXPECT_MISUSED(node({"--listen", "127.0.0.1:65536"}), "65535");
    EXPECT_MISUSED(node({"--api", "8420"}), "--api");
    EXPECT_MISUSED(node({"--connect", "friend"}), "--connect");
    EXPECT_MISUSED(node({"--connect", "friend:0"}), "port 0");
    EXPECT_MISUSED(node({"--connect", "127.0.0.1:1", "127.1:1"}), "127.1:1");
}

TEST_F(NodeCommand, OptionsThatWouldDoNothingAreRefused) {
    std::ofstream(dir_ + "/text.txt") << "words";
    const std::string text = dir_ + "/text.txt";
    EXPECT_MISUSED(node({"--serve", "0-1", "--model", "m", "--listen", "nonsense"}), "--listen");
    EXPECT_MISUSED(node({"--mine", "--relay", "2"}), "--serve");
    EXPECT_MISUSED(node({"--serve", "0-1", "--mine", "--lie"}), "--lie");
    EXPECT_MISUSED(node({"--serve", "0-1", "--mine", "--through", "nonsense"}), "--through");
    EXPECT_MISUSED(node({"--serve", "0-1", "--serve-listen", "nonsense"}), "--serve-listen");
    EXPECT_MISUSED(node({"--serve", "0-1", "--serve-address", "a:0"}), "--serve-address");
    EXPECT_MISUSED(node({"--serve", "0-1", "--price", "dear"}), "--price");
    EXPECT_MISUSED(node({"--serve", "0-1", "--price", "1000"}), "100 coins");
    EXPECT_MISUSED(node({"--price", "1"}), "--serve");
    EXPECT_MISUSED(node({"--model", "m"}), "--serve");
    EXPECT_MISUSED(node({"--hash-rate", "100"}), "--mine");
    EXPECT_MISUSED(node({"--password-file", text}), "--wallet");
    EXPECT_MISUSED(node({"--no-api", "--sample-prompt", "And"}), "--sample-prompt");
    EXPECT_EQ(node({"--serve", "0-1", "--model", dir_ + "/none.cairn"}).code, 1) << "no such file";
}

TEST_F(NodeCommand, AForeignNetworkIsNamed) {
    write_network("other.json", 2);
    const Outcome foreign = node({"--network", dir_ + "/other.json"});
    EXPECT_EQ(foreign.code, 1);
    EXPECT_NE(foreign.errors.find("tiny-1"), std::string::npos) << foreign.errors;
    EXPECT_NE(foreign.errors.find("tiny-2"), std::string::npos);
    EXPECT_NE(foreign.errors.find("--dir"), std::string::npos);
    EXPECT_NE(node({"--network", dir_ + "/network.json"}).errors.find("asset"), std::string::npos)
        << "its own is fine; only the texts are missing";
    std::ofstream(dir_ + "/page.json") << "<!doctype html>";
    EXPECT_NE(node({"--network", dir_ + "/page.json"}).errors.find("page.json"), std::string::npos);
}

TEST_F(NodeCommand, APortInUseIsSaidBeforeTheChainIsRead) {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&at), size), 0);
    ASSERT_EQ(::listen(fd, 1), 0);
    ASSERT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size), 0);
    const std::string taken = "127.0.0.1:" + std::to_string(::ntohs(at.sin_port));
    const Outcome api = node({"--api", taken});
    EXPECT_EQ(api.code, 1);
    EXPECT_NE(api.errors.find(taken), std::string::npos) << api.errors;
    EXPECT_NE(api.errors.find("--api HOST:PORT"), std::string::npos) << api.errors;
    const Outcome listen = node({"--listen", taken});
    EXPECT_EQ(listen.code, 1);
    EXPECT_NE(listen.errors.find(taken), std::string::npos) << listen.errors;
    EXPECT_NE(listen.errors.find("--listen HOST:PORT"), std::string::npos);
    ::close(fd);
}

}  // namespace
}  // namespace cairn::cli
