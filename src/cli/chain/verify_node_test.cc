// Proves, with real processes over real links, that a node which was told to verify convicts a
// server that lies, that another node computes the proof again before it believes it, takes over
// the liar's layers and is used in its place, and that a client which audits its own text finds a
// liar by itself and hands the proof to its node.
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "cli/serve/test_small_model.h"

namespace cairn::cli {
namespace {

using Json = nlohmann::json;

class VerifyNode : public SmallModelFixture {
  protected:
    std::unique_ptr<Child> serve(const std::string& layers, bool lies, std::string& address) {
        std::vector<std::string> words = {"node",          "--serve",  layers,       "--model",
                                          at("cat.cairn"), "--listen", "127.0.0.1:0"};
        if (lies) words.emplace_back("--lie");
        Json first;
        auto child = start(words, first);
        address = first.value("address", "");
        return child;
    }
    /// What the node on the folder says of the server at the address; null: nothing.
    Json server_at(const std::string& dir, const std::string& address) {
        const Outcome shown = run({"servers", "--dir", dir, "--json", "--book", at("none")});
        if (shown.code != 0) return {};
        const Json servers = shown.json()["servers"];
        for (const Json& server : servers)
            if (server["address"] == address) return server;
        return {};
    }
    std::string status_of(const std::string& dir, const std::string& address) {
        const Json server = server_at(dir, address);
        return server.is_object() && server["status"].is_string() ? server["status"] : Json("");
    }
    static std::size_t exhibits_in(const std::string& dir) {
        std::error_code none;
        std::size_t count = 0;
        for (const auto& file : std::filesystem::directory_iterator(dir + "/exhibits", none))
            count += file.path().extension() == ".exhibit";
        return count;
    }
};

TEST_F(VerifyNode, ConvictsALiarWhoseLayersAnotherNodeTakes) {
    ASSERT_EQ(create_network().code, 0);
    train();
    const Json alone = generate({}).json();
    std::string lying, honest;
    const auto liar = serve("0-2", true, lying);
    const auto other = serve("2-4", false, honest);
    Json first, second;
    const auto auditor =
        start({"node", "--dir", dir_, "--listen", "127.0.0.1:0", "--announce", lying, "--announce",
               honest, "--verify", "--verify-model", at("cat.cairn"), "--verify-interval", "0.5"},
              first);
    const std::string peer_dir = at("peer");
    const auto peer = start(
        {"node", "--dir", peer_dir, "--network", dir_ + "/network.json", "--listen", "127.0.0.1:0",
         "--connect", first.value("listen", ""), "--serve", "auto", "--model", at("cat.cairn")},
        second);
    ASSERT_TRUE(wait_for([&] { return status_of(dir_, lying) == "convicted"; }))
        << server_at(dir_, lying);
    const SystemClock clock;
    const std::uint64_t began_us = clock.monotonic_us();
    EXPECT_EQ(exhibits_in(dir_), 1U);
    // The peer has computed it again.
    ASSERT_TRUE(wait_for([&] { return status_of(peer_dir, lying) == "convicted"; }))
        << server_at(peer_dir, lying);
    EXPECT_NE(server_at(peer_dir, lying)["why"].get<std::string>().find("computed again here"),
              std::string::npos);
    const Json judged = run({"chain", "status", "--dir", peer_dir, "--json"}).json();
    EXPECT_EQ(judged["evidence"]["convicting"], 1U);
    EXPECT_TRUE(judged["verifying"].is_null());
    EXPECT_TRUE(wait_for([&] {
        const Json status = run({"chain", "status", "--dir", peer_dir, "--json"}).json();
        return status["serving"].is_object() && status["serving"]["model"].is_string() &&
               status["serving"]["first_layer"] == 0U && status["serving"]["end_layer"] >= 2U;
    }));
    std::printf("the liar's layers are served by another %.1f s after it was convicted\n",
                static_cast<double>(clock.monotonic_us() - began_us) / 1e6);
    ASSERT_TRUE(wait_for([&] {
        const Json status = run({"chain", "status", "--dir", dir_, "--json"}).json()["verifying"];
        return status["right"] >= 1U && status["convicted"] == 1U;
    }));
    EXPECT_NE(run({"chain", "status", "--dir", dir_}).out.find("1 convicted"), std::string::npos);
    // Whoever asks either node goes round the liar.
    Outcome over;
    ASSERT_TRUE(wait_for([&] {
        over = generate({"--servers-of", peer_dir, "--book", at("none")});
        return over.code == 0;
    })) << over.errors;
    EXPECT_EQ(over.json()["digest"], alone["digest"]);
    const Json hops = over.json()["hops"];
    for (const Json& hop : hops) EXPECT_NE(hop["server"], lying);
    for (const auto* child : {&liar, &other, &auditor, &peer}) {
        (*child)->signal(SIGTERM);
        EXPECT_EQ((*child)->end().code(), 0) << (*child)->output();
    }
}

TEST_F(VerifyNode, AClientThatAuditsItsOwnTextHandsTheProofToItsNode) {
    ASSERT_EQ(create_network().code, 0);
    train();
    std::string lying, honest;
    const auto liar = serve("0-2", true, lying);
    const auto other = serve("2-4", false, honest);
    // Alone it keeps a book of its own.
    const Outcome caught = generate({"--server", lying, "--server", honest, "--audit", "1",
                                     "--book", at("own.book"), "--draft", "repeat"});
    EXPECT_EQ(caught.code, 1);
    const Json audits = caught.json()["audits"];
    ASSERT_EQ(audits.size(), 2U) << caught.out;
    for (const Json& audit : audits) {
        EXPECT_EQ(audit["finding"], audit["server"] == lying ? "convicted" : "right") << audit;
        if (audit["server"] != lying) continue;
        EXPECT_EQ(run({"audit", "judge", audit["exhibit"], "--model", at("cat.cairn")}).code, 0);
        std::filesystem::remove(audit["exhibit"].get<std::string>());
    }
    const Outcome again = generate({"--server", lying, "--book", at("own.book")});
    EXPECT_NE(again.errors.find("is left out: convicted"), std::string::npos) << again.errors;
    EXPECT_TRUE(generate({"--server", lying, "--server", honest, "--audit", "0", "--book",
                          at("other.book")})
                    .json()["audits"]
                    .empty());
    // With a node it hands the proof over; the node judges it, by the model that it serves.
    Json first;
    const auto node = start({"node", "--dir", dir_, "--listen", "127.0.0.1:0", "--announce", lying,
                             "--announce", honest, "--serve", "0-2", "--model", at("cat.cairn")},
                            first);
    ASSERT_TRUE(wait_for([&] { return server_at(dir_, lying).is_object(); }));
    EXPECT_EQ(status_of(dir_, lying), "");
    const Outcome handed = generate({"--server", lying, "--server", honest, "--servers-of", dir_,
                                     "--book", at("third.book"), "--audit", "1"});
    // Of three servers of the first layers the liar may not be chosen: named alone it is.
    if (handed.code == 0) {
        std::filesystem::create_directories(dir_ + "/exhibits");
        const Json found = generate({"--server", lying, "--server", honest, "--audit", "1",
                                     "--book", at("fourth.book")})
                               .json()["audits"];
        for (const Json& audit : found)
            if (audit["server"] == lying)
                std::filesystem::rename(audit["exhibit"].get<std::string>(),
                                        dir_ + "/exhibits/found.exhibit");
    }
    EXPECT_TRUE(wait_for([&] { return status_of(dir_, lying) == "convicted"; }));
    EXPECT_EQ(std::filesystem::exists(at("third.book")), handed.code != 0)
        << "beside a node, which keeps a book of its own, a client notes convictions alone";
    for (const auto* child : {&liar, &other, &node}) {
        (*child)->signal(SIGTERM);
        EXPECT_EQ((*child)->end().code(), 0) << (*child)->output();
    }
}

TEST_F(VerifyNode, ServersWithAPriceAreAuditedForNoMoreThanWasAllowed) {
    ASSERT_EQ(create_network().code, 0);
    train();
    const std::string server = at("server");
    ask({"wallet", "create"});
    const std::string payee = ask_in(server, {"wallet", "create"})["address"];
    Json first, second;
    const auto auditor =
        start({"node", "--dir", dir_, "--train", at("private.txt"), "--mine", "--wallet",
               "--listen", "127.0.0.1:0", "--verify", "--verify-model", at("cat.cairn"),
               "--verify-interval", "0.2", "--verify-spend", "0.01"},
              first);
    const auto serving =
        start({"node", "--dir", server, "--network", dir_ + "/network.json", "--connect",
               first.value("listen", ""), "--wallet", "--listen", "127.0.0.1:0", "--serve", "0-4",
               "--model", at("cat.cairn"), "--price", "0.01"},
              second);
    const auto verifying = [&] {
        return run({"chain", "status", "--dir", dir_, "--json"}).json()["verifying"];
    };
    ASSERT_TRUE(wait_for([&] {
        return runs(dir_) && ask({"wallet", "balance"})["spendable"] > 30'000'000U;
    }));
    ASSERT_TRUE(wait_for([&] {
        const Json last = verifying()["last"];
        return last.is_string() &&
               last.get<std::string>().find("open one with") != std::string::npos;
    })) << verifying();
    EXPECT_EQ(verifying()["unanswered"], 0U) << "that it is not paid says nothing of a server";
    ask({"wallet", "channel", "open", "--to", payee, "--amount", "0.1", "--blocks", "100000"});
    ASSERT_TRUE(wait_for([&] { return verifying()["right"] >= 2U; })) << verifying();
    // Then the money is spent, and it stops.
    ASSERT_TRUE(wait_for([&] {
        const std::uint64_t before = verifying()["right"];
        ::usleep(3'000'000);
        return verifying()["right"] == before;
    })) << verifying();
    EXPECT_GT(verifying()["spent"], 0U);
    EXPECT_LE(verifying()["spent"], 1'000'000U);
    EXPECT_EQ(verifying()["unanswered"], 0U) << verifying();
    for (const auto* child : {&serving, &auditor}) {
        (*child)->signal(SIGTERM);
        EXPECT_EQ((*child)->end().code(), 0) << (*child)->output();
    }
}

TEST_F(VerifyNode, MisuseSaysWhatToDo) {
    EXPECT_EQ(run({"node", "--dir", dir_, "--rate", "0.1"}).code, 2);
    EXPECT_EQ(run({"node", "--dir", dir_, "--verify", "--rate", "2"}).code, 2);
    EXPECT_EQ(run({"node", "--dir", dir_, "--verify", "--verify-interval", "0"}).code, 2);
    EXPECT_EQ(run({"node", "--dir", dir_, "--verify", "--verify-model", at("none")}).code, 2);
    const Outcome unpaid = run({"node", "--dir", dir_, "--verify", "--verify-spend", "1"});
    EXPECT_EQ(unpaid.code, 2);
    EXPECT_NE(unpaid.errors.find("add --wallet"), std::string::npos) << unpaid.errors;
    EXPECT_EQ(run({"node", "--dir", dir_, "--verify", "--wallet", "--verify-spend", "much"}).code,
              2);
    const Outcome idle = generate({"--audit", "0.5"});
    EXPECT_EQ(idle.code, 2);
    EXPECT_NE(idle.errors.find("--servers-of DIR"), std::string::npos) << idle.errors;
    EXPECT_EQ(generate({"--server", "127.0.0.1:1", "--audit", "1.5"}).code, 2);
}

}  // namespace
}  // namespace cairn::cli
