// Proves, over real links, that a layer server which one node announces is shown by another, that a
// text is written over the servers that a node knows and is the text of the whole model, that whom
// this machine's audits convicted is left out with the reason, and that misuse says what to do.
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cli/serve/test_small_model.h"
#include "serve/announce.h"
#include "trust/audit_book.h"

namespace cairn::cli {
namespace {

using Json = nlohmann::json;

class ServersCommand : public SmallModelFixture {
  protected:
    std::string write_alone() {
        train();
        return generate({}).json().value("text", "");
    }
};

TEST_F(ServersCommand, WhatOneNodeAnnouncesAnotherUses) {
    ASSERT_EQ(create_network().code, 0);
    const std::string alone = write_alone();
    ASSERT_FALSE(alone.empty());
    Json front_half, back_half, announcing, listening;
    const auto first =
        start({"node", "--serve", "0-2", "--model", at("cat.cairn"), "--listen", "127.0.0.1:0"},
              front_half);
    const auto second =
        start({"node", "--serve", "2-4", "--model", at("cat.cairn"), "--listen", "127.0.0.1:0"},
              back_half);
    const std::string one = front_half.value("address", ""), two = back_half.value("address", "");
    const auto node = start({"node", "--dir", dir_, "--listen", "127.0.0.1:0", "--api",
                             "127.0.0.1:0", "--announce", one, "--announce", two},
                            announcing);
    const std::string other_dir = folder_ + "/other";
    const auto other =
        start({"node", "--dir", other_dir, "--network", dir_ + "/network.json", "--listen",
               "127.0.0.1:0", "--api", "127.0.0.1:0", "--connect", announcing.value("listen", "")},
              listening);
    Json servers;
    ASSERT_TRUE(wait_for([&] {
        const Outcome shown = run({"servers", "--dir", other_dir, "--json", "--book", at("book")});
        if (shown.code != 0) return false;
        servers = shown.json()["servers"];
        return servers.size() == 2;
    })) << servers;
    const Json& front = servers[servers[0]["layers"][0] == 0 ? 0 : 1];
    EXPECT_EQ(front["address"], one);
    EXPECT_EQ(front["layers"], Json::array({0, 2}));
    EXPECT_EQ(front["status"], nullptr);
    EXPECT_FALSE(front["own"]) << "another node's";
    const Outcome people = run({"servers", "--dir", other_dir, "--book", at("book")});
    EXPECT_NE(people.out.find("never audited here"), std::string::npos) << people.out;
    EXPECT_LE(people.columns(), 80U) << people.out;

    const Outcome over = generate({"--servers-of", other_dir, "--book", at("book")});
    ASSERT_EQ(over.code, 0) << over.errors;
    EXPECT_EQ(over.json()["text"], alone);
    EXPECT_EQ(over.json()["hops"].size(), 2U);

    const Json place =
        run({"servers", "--dir", other_dir, "--place", at("cat.cairn"), "--threads", "1", "--json"})
            .json();
    EXPECT_EQ(place["servers"], 2);
    EXPECT_GT(place["rows_per_s"], 0);
    EXPECT_GT(place["tokens_per_s_after"], place["tokens_per_s_before"]);
    EXPECT_GE(place["tokens_per_s_best"], place["tokens_per_s_after"]);

    const Outcome audited =
        run({"verify", "--model", at("cat.cairn"), "--text", at("private.txt"), "--servers-of",
             other_dir, "--rounds", "1", "--book", at("fresh"), "--threads", "1", "--json"});
    ASSERT_EQ(audited.code, 0) << audited.errors;
    EXPECT_EQ(audited.json()["audits"].size(), 2U);

    // Convicted here: the rest of the network may say what it likes.
    trust::AuditBook book;
    trust::ServerPage page;
    page.address = one;
    page.end_layer = 2;
    const auto key = fixed_from_hex<32>(front["key"].get<std::string>()).value();
    book.enter(key, page, trust::Finding::kConvicted, "signed for a wrong row", 1, {});
    ASSERT_TRUE(book.write(at("book")).ok());
    const Outcome refused = generate({"--servers-of", other_dir, "--book", at("book")});
    EXPECT_EQ(refused.code, 1);
    EXPECT_NE(refused.errors.find("is left out: convicted: signed for a wrong row"),
              std::string::npos)
        << refused.errors;
    const Json joined =
        run({"servers", "--dir", other_dir, "--json", "--book", at("book")}).json()["servers"];
    const Json& accused = joined[joined[0]["address"] == one ? 0 : 1];
    EXPECT_EQ(accused["status"], "convicted");
    EXPECT_EQ(accused["why"], "signed for a wrong row");
    for (const auto* child : {&first, &second, &node, &other}) {
        (*child)->signal(SIGTERM);
        EXPECT_EQ((*child)->end().code(), 0);
    }
}

TEST_F(ServersCommand, ANodeThatNobodyCanDialServesThroughAnother) {
    ASSERT_EQ(create_network().code, 0);
    const std::string alone = write_alone();
    const auto serving = [](const std::string& dir) {
        const Outcome outcome = run({"chain", "status", "--dir", dir, "--json"});
        const Json status = outcome.code == 0 ? outcome.json() : Json::object();
        const bool is_there = status.contains("serving") && status["serving"].is_object() &&
                              status["serving"]["model"].is_string();
        return is_there ? status["serving"].value("address", "") : "";
    };
    Json first, second;
    const auto relay =
        start({"node", "--dir", dir_, "--listen", "127.0.0.1:0", "--api", "127.0.0.1:0", "--serve",
               "0-2", "--model", at("cat.cairn"), "--relay", "4"},
              first);
    ASSERT_TRUE(wait_for([&] { return !serving(dir_).empty(); }));
    const std::string through = serving(dir_), hidden_dir = folder_ + "/hidden";
    const auto hidden =
        start({"node", "--dir", hidden_dir, "--network", dir_ + "/network.json", "--listen",
               "127.0.0.1:0", "--api", "127.0.0.1:0", "--connect", first.value("listen", ""),
               "--serve", "2-4", "--model", at("cat.cairn"), "--through", through},
              second);
    Json servers;
    const std::string ending = "@" + through;
    ASSERT_TRUE(wait_for([&] {
        servers = run({"servers", "--dir", dir_, "--json"}).json()["servers"];
        return servers.size() == 2 && (servers[0].value("address", "").ends_with(ending) ||
                                       servers[1].value("address", "").ends_with(ending));
    })) << servers;
    EXPECT_TRUE(serving(hidden_dir).ends_with(ending)) << serving(hidden_dir);
    const Outcome over = generate({"--servers-of", dir_});
    ASSERT_EQ(over.code, 0) << over.errors;
    EXPECT_EQ(over.json()["text"], alone);
    EXPECT_EQ(over.json()["hops"].size(), 2U);
    for (const auto* child : {&hidden, &relay}) {
        (*child)->signal(SIGTERM);
        EXPECT_EQ((*child)->end().code(), 0);
    }
}

TEST_F(ServersCommand, AMachineThatIsTooSlowIsToldItsFigures) {
    ASSERT_FALSE(write_alone().empty());
    const Outcome alone = run({"servers", "--place", at("cat.cairn"), "--threads", "1", "--json"});
    ASSERT_EQ(alone.code, 0) << alone.errors;
    EXPECT_EQ(alone.json()["layers"], Json::array({0, 4})) << "nobody else holds any";
    const Outcome slow = run(
        {"servers", "--place", at("cat.cairn"), "--threads", "1", "--least-tokens", "900000000"});
    EXPECT_EQ(slow.code, 1);
    EXPECT_NE(slow.errors.find("layer-rows a second, so"), std::string::npos) << slow.errors;
    EXPECT_NE(slow.errors.find("9e+08 are wanted"), std::string::npos) << slow.errors;
}

TEST_F(ServersCommand, MisuseSaysWhatToDo) {
    const Outcome idle = generate({"--standby", "1"});
    EXPECT_EQ(idle.code, 2);
    EXPECT_NE(idle.errors.find("--servers-of DIR"), std::string::npos) << idle.errors;
    const Outcome nobody = run({"servers", "--dir", folder_});
    EXPECT_EQ(nobody.code, 1);
    EXPECT_EQ(run({"servers", "--dir", folder_, "--node", "127.0.0.1:1"}).code, 2);
    EXPECT_EQ(run({"node", "--dir", dir_, "--announce", "nonsense"}).code, 2);
    const Outcome whom = run({"verify", "--model", "a", "--text", "b"});
    EXPECT_EQ(whom.code, 2);
    EXPECT_NE(whom.errors.find("--servers-of DIR"), std::string::npos) << whom.errors;
}

}  // namespace
}  // namespace cairn::cli
