// Proves that a person with nothing but one address writes with a network's own model, over servers
// that hold its layers: what is fetched is a part of the model, is fetched once, and the text and
// digest are those of the model as it is exported. And that what lacks is said in words.
#include <signal.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "cli/chain/test_chain_node.h"
#include "cli/test_child.h"
#include "node/served_model.h"

namespace cairn::cli {
namespace {

using Json = nlohmann::json;

bool says(const std::string& text, const std::string& what) {
    return text.find(what) != std::string::npos;
}

class LightClientCommand : public ChainFixture {
  protected:
    static std::unique_ptr<Child> node(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), "node");
        arguments.push_back("--json");
        return std::make_unique<Child>([=] { return Child::cairn(arguments); }, false);
    }
    static Json status_of(const std::string& dir) {
        const Outcome outcome = run({"chain", "status", "--dir", dir, "--json"});
        return outcome.code == 0 ? outcome.json() : Json();
    }
    /// How many servers a node knows.
    static std::size_t servers_known(const std::string& dir) {
        const Outcome outcome = run({"servers", "--dir", dir, "--json"});
        return outcome.code == 0 ? outcome.json()["servers"].size() : 0;
    }
    /// Whether a node knows two servers, and both hold the same version of the model.
    static bool two_serve(const std::string& dir) {
        const Outcome outcome = run({"servers", "--dir", dir, "--json"});
        if (outcome.code != 0) return false;
        const Json servers = outcome.json()["servers"];
        return servers.size() == 2 && servers[0]["model"] == servers[1]["model"];
    }
    static void stop(std::unique_ptr<Child>& child) {
        child->signal(SIGTERM);
        EXPECT_EQ(child->end().code(), 0) << child->output();
        child.reset();
    }
    Outcome write(std::vector<std::string> more) const {
        std::vector<std::string> arguments = {"generate", "--prompt", "ah",     "--steps", "24",
                                              "--seed",   "3",        "--json", "--wait",  "1"};
        if (std::ranges::find(more, "--model") != more.end()) arguments.resize(8);
        arguments.insert(arguments.end(), more.begin(), more.end());
        return run(arguments);
    }
    std::string cache() const { return folder_ + "/cache"; }
};

TEST_F(LightClientCommand, OneAddressIsEnoughToWriteWithANetworksModel) {
    ASSERT_EQ(create_network().code, 0);
    auto first = node(
        {"--dir", dir_, "--train", folder_ + "/private.txt", "--mine", "--listen", "127.0.0.1:0"});
    ASSERT_TRUE(wait_for([&] { return runs(dir_) && height() >= 12; }));
    stop(first);
    // The chain stands still now, and for so long that its last merge is settled: versions do not
    // go by while we look.
    ::usleep(node::kStillSpacings * 150 * 1000 + 500'000);
    first = node({"--dir", dir_, "--listen", "127.0.0.1:0", "--serve", "0-1"});
    ASSERT_TRUE(wait_for([&] { return runs(dir_) && servers_known(dir_) == 1; }));
    const std::string address = status_of(dir_)["listen"];
    const std::string nobody = write({"--servers-of", address, "--cache", cache()}).errors;
    EXPECT_TRUE(says(nobody, "no server holds layer 1")) << nobody;
    const std::string other = folder_ + "/other";
    auto second = node({"--dir", other, "--network", dir_ + "/network.json", "--connect", address,
                        "--listen", "127.0.0.1:0", "--serve", "1-2"});
    ASSERT_TRUE(wait_for([&] { return two_serve(dir_); }));

    ASSERT_TRUE(remove_tree(cache()).ok());
    const Outcome light = write({"--servers-of", address, "--cache", cache()});
    ASSERT_EQ(light.code, 0) << light.errors;
    const Json network = light.json()["network"];
    EXPECT_EQ(network["genesis_id"], status_of(dir_)["genesis_id"]);
    EXPECT_EQ(light.json()["hops"].size(), 2U);
    const std::uint64_t fetched = network["bytes_fetched"];
    EXPECT_GT(fetched, 0U);
    EXPECT_LT(fetched, network["bytes_model"].get<std::uint64_t>());

    // The same text as the model itself writes.
    const std::string model = folder_ + "/model.cairn";
    ask({"model", "export", "--out", model, "--at", std::to_string(network["height"].get<int>())});
    const Outcome alone = write({"--model", model});
    ASSERT_EQ(alone.code, 0) << alone.errors;
    EXPECT_EQ(light.json()["digest"], alone.json()["digest"]);
    EXPECT_EQ(light.json()["tokens"], alone.json()["tokens"]);

    // Nothing is fetched twice, and one's own node is an address too.
    const Outcome again = write({"--servers-of", address, "--cache", cache(), "--genesis",
                                 network["genesis_id"].get<std::string>()});
    ASSERT_EQ(again.code, 0) << again.errors;
    EXPECT_EQ(again.json()["network"]["bytes_fetched"], 0U);
    EXPECT_EQ(again.json()["digest"], alone.json()["digest"]);
    const Outcome by_folder = write({"--servers-of", dir_, "--cache", cache()});
    ASSERT_EQ(by_folder.code, 0) << by_folder.errors;
    EXPECT_EQ(by_folder.json()["digest"], alone.json()["digest"]);

    // And chat, on a terminal.
    Child chat(
        [&] {
            return Child::cairn(
                {"chat", "--servers-of", address, "--cache", cache(), "--steps", "8", "--json"});
        },
        true);
    EXPECT_TRUE(chat.reads("network test"));
    EXPECT_TRUE(chat.reads("tokens of memory"));
    EXPECT_TRUE(chat.reads("> "));
    chat.type("ah\n");
    EXPECT_TRUE(chat.reads("ah"));
    EXPECT_TRUE(chat.reads("> ")) << chat.output();  // it was answered
    chat.type("/quit\n");
    EXPECT_EQ(chat.end().code(), 0) << chat.output();

    // And by OpenAI's API, as any program asks for it.
    Json ready;
    auto served =
        start({"serve", "--servers-of", address, "--cache", cache(), "--port", "0"}, ready);
    const Json completion =
        complete(ready, {{"prompt", "ah"}, {"max_tokens", 24}, {"seed", 3}, {"temperature", 0}});
    EXPECT_EQ(completion["model"], "test@" + std::to_string(network["height"].get<int>()));
    EXPECT_EQ(completion["choices"][0]["cairn"]["servers"].size(), 2U);
    EXPECT_EQ(completion["choices"][0]["text"].get<std::string>(),
              light.json()["text"].get<std::string>());
    stop(served);

    // What is wrong is said.
    EXPECT_TRUE(
        says(write({"--servers-of", address, "--cache", cache(), "--genesis", std::string(64, 'a')})
                 .errors,
             "it is of network"));
    EXPECT_EQ(write({"--servers-of", address, "--genesis", "ab"}).code, 2);
    const std::vector<std::string> little = {"--servers-of",     address,      "--cache",
                                             folder_ + "/small", "--most-mib", "0.01"};
    EXPECT_TRUE(says(write(little).errors, "may be fetched"));
    stop(second);
    const Outcome half = write({"--servers-of", address, "--cache", cache()});
    EXPECT_EQ(half.code, 1);
    EXPECT_TRUE(says(half.errors, "layer 1")) << half.errors;
    stop(first);
}

}  // namespace
}  // namespace cairn::cli
