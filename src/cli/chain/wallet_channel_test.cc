// Proves that two people can pay each other by a channel with the commands alone: it is opened,
// vouchers are signed and taken, bad ones are refused in words, and it ends by the payee's command
// or, once it has expired, by the payer's node.
#include <filesystem>
#include <nlohmann/json.hpp>

#include "api/api_file.h"
#include "api/protocol.h"
#include "cli/chain/test_chain_node.h"
#include "http/client.h"
#include "http/http_server.h"

namespace cairn::cli {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

bool says(const std::string& text, const std::string& what) {
    return text.find(what) != std::string::npos;
}

class ChannelCommands : public ChainFixture {
  protected:
    Outcome channel(std::vector<std::string> arguments, const std::string& dir) {
        arguments.insert(arguments.begin(), {"wallet", "channel"});
        arguments.insert(arguments.end(), {"--dir", dir});
        return run(arguments);
    }
    Json mine(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), {"wallet", "channel"});
        return ask(arguments);
    }
    Json theirs(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), {"wallet", "channel"});
        return ask_in(friend_, arguments);
    }
    /// A second wallet that looks at the same node and chain.
    std::string make_friend() {
        friend_ = folder_ + "/friend";
        const std::string address = ask_in(friend_, {"wallet", "create"})["address"];
        return address;
    }
    /// A network with a wallet, and a second wallet, whose address is returned.
    std::string make_network_and_friend() {
        EXPECT_EQ(create_network().code, 0);
        ask({"wallet", "create"});
        return make_friend();
    }
    RunningNode mine_coins() {
        return RunningNode({"node", "--dir", dir_, "--train", folder_ + "/private.txt", "--mine",
                            "--wallet", "--listen", "", "--json"});
    }
    bool can_pay() { return runs(dir_) && balance("spendable") > 30'000'000; }
    void let_friend_see_the_chain() {
        for (const auto& file : fs::directory_iterator(dir_)) {
            const fs::path to = fs::path(friend_) / file.path().filename();
            if (!fs::exists(to) && file.path().filename() != "channels")
                fs::create_symlink(file.path(), to);
        }
    }
    std::string state(const std::string& name) {
        const Json list = mine({"list"});
        for (const Json& one : list["channels"])
            if (one["channel"] == name) return one["state"];
        return "unknown";
    }
    std::uint64_t balance(const std::string& part) { return ask({"wallet", "balance"})[part]; }

    std::string friend_;
};

TEST_F(ChannelCommands, TwoPeoplePayByAChannel) {
    const std::string to = make_network_and_friend();
    RunningNode node = mine_coins();
    ASSERT_TRUE(wait_for([&] { return can_pay(); }));
    EXPECT_TRUE(
        says(channel({"open", "--to", to, "--amount", "0.1", "--blocks", "39"}, dir_).errors,
             "at least 40 blocks"));
    EXPECT_TRUE(says(channel({"open", "--to", to, "--amount", "0.00001"}, dir_).errors,
                     "a channel holds 0.0001 coins or more"));
    const Json opened = mine({"open", "--to", to, "--amount", "0.1", "--blocks", "100000"});
    const std::string name = opened["channel"];
    ASSERT_TRUE(wait_for([&] { return state(name) == "open"; }));
    EXPECT_EQ(balance("locked"), 10'000'000U);
    const std::uint64_t at = height();
    ASSERT_TRUE(wait_for([&] { return height() >= at + 6; }));
    let_friend_see_the_chain();

    const std::string first = mine({"pay", name.substr(0, 8), "0.02"})["voucher"];
    EXPECT_EQ(theirs({"accept", first})["received"], 2'000'000U);
    EXPECT_EQ(theirs({"accept", first})["received"], 0U);
    const std::string second = mine({"pay", name, "0.01"})["voucher"];
    EXPECT_EQ(theirs({"accept", second})["paid"], 3'000'000U);
    EXPECT_EQ(mine({"pay", name, "0"})["voucher"], second) << "the latest, once more";
    EXPECT_TRUE(says(channel({"accept", first}, friend_).errors, "there is a later one for 0.03"));
    EXPECT_TRUE(says(channel({"accept", first}, dir_).errors, "pays somebody else"));
    std::string forged = second;
    forged.back() = forged.back() == '0' ? '1' : '0';
    EXPECT_TRUE(says(channel({"accept", forged}, friend_).errors, "not signed by"));
    std::string foreign = second;
    foreign.front() = foreign.front() == '0' ? '1' : '0';
    EXPECT_TRUE(says(channel({"accept", foreign}, friend_).errors, "of another network"));
    EXPECT_TRUE(says(channel({"accept", second.substr(2)}, friend_).errors, "this is no voucher"));
    EXPECT_TRUE(says(channel({"pay", name, "0.08"}, dir_).errors, "the channel holds 0.1 coins"));
    EXPECT_TRUE(says(channel({"pay", "zz", "0.01"}, dir_).errors, "names no channel"));
    const std::string other = name[0] == '0' ? "1111" : "0000";
    EXPECT_TRUE(says(channel({"pay", other, "0.01"}, dir_).errors, "there is no channel from"));
    EXPECT_TRUE(says(channel({"refund", name}, dir_).errors, "is its payee's until height"));
    EXPECT_EQ(theirs({"list"})["channels"][0]["paid"], 3'000'000U);

    const Outcome high = channel({"close", name, "--fee", "0.02"}, friend_);
    EXPECT_EQ(high.code, 2);
    EXPECT_TRUE(says(high.errors, "--high-fee")) << high.errors;
    const Json closed = theirs({"close", name.substr(0, 8)});
    EXPECT_EQ(closed["received"].get<std::uint64_t>() + closed["fee"].get<std::uint64_t>(),
              3'000'000U);
    EXPECT_EQ(closed["returned"], 7'000'000U);
    ASSERT_TRUE(wait_for([&] { return state(name) == "ended"; }));
    EXPECT_EQ(balance("locked"), 0U);
    EXPECT_EQ(ask_in(friend_, {"wallet", "balance"})["spendable"], closed["received"]);
    EXPECT_TRUE(says(channel({"close", name}, friend_).errors, "is not on the chain"));
    std::string kinds;
    const Json history = ask({"wallet", "history"});
    for (const Json& entry : history["history"]) kinds += entry["kind"].get<std::string>() + ";";
    EXPECT_TRUE(says(kinds, "channel ended;") && says(kinds, "channel opened;")) << kinds;
    for (const std::vector<std::string>& words : {std::vector<std::string>{"wallet", "history"},
                                                  {"wallet", "channel", "list"},
                                                  {"wallet", "address", "--all"}}) {
        std::vector<std::string> here = words;
        here.insert(here.end(), {"--dir", dir_});
        const Outcome shown = run(here);
        EXPECT_EQ(shown.code, 0) << shown.errors;
        EXPECT_TRUE(says(shown.out, "\n"));
        EXPECT_LE(shown.columns(), 80U) << shown.out;
    }
    EXPECT_EQ(node.stop().code, 0);
}

TEST_F(ChannelCommands, ANodeTakesBackWhatHasExpired) {
    const std::string to = make_network_and_friend();
    RunningNode node = mine_coins();
    ASSERT_TRUE(wait_for([&] { return can_pay(); }));
    const Json opened = mine({"open", "--to", to, "--amount", "0.1", "--blocks", "40"});
    const std::string name = opened["channel"];
    ASSERT_TRUE(wait_for([&] { return balance("locked") == 10'000'000U; }));
    ASSERT_TRUE(wait_for([&] { return balance("locked") == 0U; }));
    EXPECT_GT(height(), opened["expiry"].get<std::uint64_t>());
    EXPECT_EQ(state(name), "ended");
    EXPECT_EQ(node.stop().code, 0);
}

/// Answers as the node of the folder does, and calls itself four thousand million blocks high.
std::unique_ptr<http::HttpServer> lie_about_the_height(const std::string& dir) {
    const api::ApiFile real = api::read_api_file(dir).value();
    http::HttpServerOptions options;
    options.handler = [real](const http::Request& asked,
                             const std::shared_ptr<http::Reply>& reply) {
        http::Question question;
        question.address = real.address;
        question.token = real.token;
        question.path = asked.path;
        question.json = asked.body;
        for (const auto& [name, value] : asked.query) question.path += "?" + name + "=" + value;
        std::string body = http::ask(question).value().body;
        if (asked.path == api::kStatusPath) {
            Json status = Json::parse(body);
            status["height"] = 4'000'000'000U;
            body = status.dump();
        }
        reply->send({200, "application/json", std::move(body)});
    };
    auto liar = http::HttpServer::start(std::move(options)).value();
    EXPECT_TRUE(api::write_api_file(dir, {liar->address(), real.token}).ok());
    return liar;
}

TEST_F(ChannelCommands, AFalseHeightLocksNoCoinsForEver) {
    const std::string to = make_network_and_friend();
    RunningNode node = mine_coins();
    ASSERT_TRUE(wait_for([&] { return can_pay(); }));
    const auto liar = lie_about_the_height(dir_);
    const Json opened = mine({"open", "--to", to, "--amount", "0.1", "--blocks", "100"});
    EXPECT_LT(opened["expiry"], 100'000U) << opened;
    EXPECT_EQ(node.stop().code, 0);
}

}  // namespace
}  // namespace cairn::cli
