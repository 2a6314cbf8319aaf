// Proves that a person with a wallet has a model's layers computed by somebody else's node for
// coins, with commands alone: the price is shown, a channel is opened, vouchers go over while
// tokens come, the text is the one that the model writes at home, and the server's owner gets the
// coins.
#include <signal.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/chain/test_chain_node.h"
#include "cli/test_child.h"

namespace cairn::cli {
namespace {

using Json = nlohmann::json;

bool says(const std::string& text, const std::string& what) {
    return text.find(what) != std::string::npos;
}

class PaidLayers : public ChainFixture {
  protected:
    static Json status_of(const std::string& dir) {
        const Outcome outcome = run({"chain", "status", "--dir", dir, "--json"});
        return outcome.code == 0 ? outcome.json() : Json();
    }
    /// Where the node there serves layers; empty: not yet.
    static std::string serves_at(const std::string& dir) {
        const Json status = status_of(dir);
        const Json serving = status.is_object() ? status["serving"] : Json();
        return serving.is_object() && serving["model"].is_string() ? serving["address"] : Json("");
    }
    Outcome write(const std::string& model, std::vector<std::string> more) const {
        std::vector<std::string> arguments = {"generate", "--model", model,    "--prompt", "ah",
                                              "--steps",  "40",      "--json", "--seed",   "3"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return run(arguments);
    }
};

TEST_F(PaidLayers, ANodeServesForCoinsAndAWalletPays) {
    ASSERT_EQ(create_network().code, 0);
    const std::string server = folder_ + "/server";
    ask({"wallet", "create"});
    ask_in(server, {"wallet", "create"});
    // Processes: a signal ends all nodes of one.
    Child node(
        [&] {
            return Child::cairn({"node", "--dir", dir_, "--train", folder_ + "/private.txt",
                                 "--mine", "--wallet", "--listen", "127.0.0.1:0", "--json"});
        },
        false);
    ASSERT_TRUE(wait_for([&] {
        return runs(dir_) && ask({"wallet", "balance"})["spendable"] > 30'000'000U;
    }));
    const std::string model = folder_ + "/model.cairn";
    ask({"model", "export", "--out", model, "--at", "best"});
    const std::string peer = status_of(dir_)["listen"];
    Child other(
        [&] {
            return Child::cairn({"node", "--dir", server, "--network", dir_ + "/network.json",
                                 "--connect", peer, "--wallet", "--serve", "0-2", "--model", model,
                                 "--price", "0.01", "--listen", "", "--json"});
        },
        false);
    ASSERT_TRUE(wait_for([&] { return !serves_at(server).empty(); }));
    const std::string address = serves_at(server);
    EXPECT_EQ(status_of(server)["serving"]["price"], 1'000'000U);

    const Json alone = write(model, {}).json();
    EXPECT_TRUE(says(write(model, {"--server", address}).errors, "give --pay DIR"));
    const std::vector<std::string> pay = {"--server", address, "--pay", dir_};
    const auto paying = [&](std::vector<std::string> more) {
        more.insert(more.begin(), pay.begin(), pay.end());
        return write(model, more);
    };
    testing::internal::CaptureStderr();
    const Outcome without = paying({});
    const std::string price = testing::internal::GetCapturedStderr();
    EXPECT_EQ(without.code, 1);
    EXPECT_TRUE(says(price, "0.00002 coins a token")) << price;
    EXPECT_TRUE(says(without.errors, "open one with")) << without.errors;
    EXPECT_TRUE(says(paying({"--max-price", "0.005"}).errors, "the most that you would pay"));
    EXPECT_EQ(paying({"--open", "much"}).code, 2);
    EXPECT_EQ(paying({"--spend", "-1"}).code, 2);

    testing::internal::CaptureStderr();
    const Outcome paid = paying({"--open", "0.1"});
    const std::string opened = testing::internal::GetCapturedStderr();
    ASSERT_EQ(paid.code, 0) << paid.errors;
    EXPECT_TRUE(says(opened, "put 0.1 coins aside")) << opened;
    EXPECT_EQ(paid.json()["tokens"], alone["tokens"]);
    EXPECT_EQ(paid.json()["digest"], alone["digest"]);
    const std::uint64_t spent = paid.json()["spent"];
    EXPECT_GE(spent, 40 * 2'000U);
    EXPECT_LE(spent, (40 + 8 + 16) * 2'000U);
    EXPECT_EQ(paid.json()["hops"][0]["token_price"], 2'000U);
    // The last voucher may still be on its way to the server's disk.
    EXPECT_TRUE(wait_for([&] {
        const Json status = status_of(server);
        return status.is_object() && status["serving"]["earned"] == spent;
    }));
    // So is whoever asks by OpenAI's API; one text of a channel at a time.
    Json ready;
    std::vector<std::string> words = {"serve", model, "--port", "0"};
    words.insert(words.end(), pay.begin(), pay.end());
    const auto gateway = start(words, ready);
    std::uint64_t by_api = 0;
    for (int text = 0; text < 2; ++text) {
        const Json said =
            complete(ready, {{"prompt", "ah"}, {"max_tokens", 5}, {"temperature", 0}});
        ASSERT_TRUE(said.contains("choices")) << said;
        const Json facts = said["choices"][0]["cairn"];
        EXPECT_GE(facts["servers"][0]["price"], 5 * 2'000U) << facts;
        by_api += facts["spent"].get<std::uint64_t>();
    }
    EXPECT_GE(by_api, 2 * 4 * 2'000U);
    gateway->signal(SIGINT);
    EXPECT_EQ(gateway->end().code(), 0) << gateway->output();
    // The channel serves again; a budget of three tokens is too little for forty.
    EXPECT_TRUE(says(paying({"--spend", "0.00001"}).errors, "is spent"));

    // The wallet says which server a channel is for.
    const std::string note = ask({"wallet", "channel", "list"})["channels"][0]["note"];
    EXPECT_EQ(note, "layers 0-2 at " + address);
    const Json history = ask({"wallet", "history", "--max", "10000"})["history"];
    EXPECT_TRUE(std::ranges::any_of(history, [&](const Json& entry) {
        return entry["kind"] == "channel opened" && entry["note"] == note;
    }));

    const Json channels = ask_in(server, {"wallet", "channel", "list"})["channels"];
    ASSERT_EQ(channels.size(), 1U);
    const std::uint64_t earned = channels[0]["paid"];
    EXPECT_GE(earned, spent);
    const Json closed = ask_in(server, {"wallet", "channel", "close", channels[0]["channel"]});
    EXPECT_EQ(closed["received"].get<std::uint64_t>() + closed["fee"].get<std::uint64_t>(), earned);
    ASSERT_TRUE(wait_for([&] {
        return ask_in(server, {"wallet", "balance"})["spendable"] == closed["received"];
    }));
    for (Child* each : {&other, &node}) {
        each->signal(SIGTERM);
        EXPECT_EQ(each->end().code(), 0) << each->output();
    }
}

}  // namespace
}  // namespace cairn::cli
