// Proves, with a real server, that `cairn verify --attention` has attention proved and checks it,
// and keeps what was proved; that `cairn audit prove`, `check` and `combine` do the same with
// files, in shares too; that what was tampered with is refused, with exit code 1; and that a server
// that lies is convicted by replay while its proofs do not fit what it signed for.
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "cli/serve/test_small_model.h"
#include "cli/test_child.h"
#include "cli/test_run.h"
#include "serve/attention_proof.h"

namespace cairn::cli {
namespace {

using Json = nlohmann::json;

class AttentionCommand : public testing::Test {
  protected:
    AttentionCommand() {
        folder_ = *make_temporary_folder("cairn-attention-");
        std::string text;
        for (int i = 0; i < 200; ++i) text += "The cat sat on mat number " + std::to_string(i);
        EXPECT_TRUE(write_file(at("text.txt"), as_bytes(text)).ok());
        const Outcome trained = train_small(at("text.txt"), at("cat.cairn"), {.layers = 3});
        EXPECT_EQ(trained.code, 0) << trained.errors;
    }
    ~AttentionCommand() override { (void)remove_tree(folder_); }

    std::string at(const std::string& name) const { return folder_ + "/" + name; }
    std::unique_ptr<Child> serve(const std::vector<std::string>& more = {}) {
        std::vector<std::string> words = {"0-2", "--model", at("cat.cairn")};
        words.insert(words.end(), more.begin(), more.end());
        Json ready;
        auto child = start_layer_server(words, ready);
        address_ = ready["address"];
        return child;
    }
    Outcome verify(const std::string& attention, const std::vector<std::string>& more = {}) const {
        std::vector<std::string> words = {
            "verify",       "--model", at("cat.cairn"), "--text",    at("text.txt"),
            "--rounds",     "1",       "--book",        at("book"),  "--exhibits",
            at("exhibits"), "--keep",  at("kept"),      "--threads", "1",
            "--server",     address_,  "--attention",   attention,   "--json"};
        words.insert(words.end(), more.begin(), more.end());
        return run(words);
    }
    Outcome audit(std::vector<std::string> words) const {
        words.insert(words.begin(), "audit");
        words.emplace_back("--json");
        return run(words);
    }
    Outcome check(const std::string& proof, const std::string& session,
                  std::vector<std::string> more = {}) const {
        std::vector<std::string> words = {"check",   proof,           "--session", session,
                                          "--model", at("cat.cairn"), "--threads", "1"};
        words.insert(words.end(), more.begin(), more.end());
        return audit(words);
    }

    std::string folder_, address_;
};

TEST_F(AttentionCommand, IsProvedByAServerAndCheckedByManyVerifiers) {
    const auto server = serve();
    const Outcome verified = verify("3", {"--rows", "20"});
    EXPECT_EQ(verified.code, 0) << verified.errors;
    const Json found = verified.json()["audits"][0];
    EXPECT_EQ(found["finding"], "right") << verified.out;
    const Json attention = found["attention"];
    EXPECT_EQ(attention["verdict"], "accepted") << verified.out;
    EXPECT_EQ(attention["heads"], 3);
    EXPECT_EQ(attention["rows"], found["rows"]);

    // The session, asked again by somebody else for heads of his own choice.
    const std::string session = attention["session"];
    const std::string proof = at("asked.attention");
    const Outcome asked = audit({"prove", session, "--model", at("cat.cairn"), "--heads", "1:0,0:1",
                                 "--server", address_, "--out", proof});
    ASSERT_EQ(asked.code, 0) << asked.out;
    EXPECT_EQ(asked.json()["heads"][0]["layer"], 0);
    // Whoever has the model can make the very same.
    const Outcome made = audit({"prove", session, "--model", at("cat.cairn"), "--heads", "0:1,1:0",
                                "--out", at("made.attention")});
    ASSERT_EQ(made.code, 0) << made.out;
    EXPECT_EQ(made.json()["proof"], asked.json()["proof"]);

    const Outcome alone = check(proof, session, {"--replay"});
    EXPECT_EQ(alone.code, 0) << alone.out;
    EXPECT_EQ(alone.json()["verdict"], "accepted");
    EXPECT_EQ(alone.json()["replay"]["verdict"], "right to the bit");
    std::vector<std::string> combine = {"combine", proof};
    for (const char* share : {"3/3", "1/3", "2/3"}) {
        const Outcome part = check(proof, session, {"--share", share});
        EXPECT_EQ(part.code, 0) << part.out;
        combine.push_back(part.json()["written"]);
    }
    const Outcome together = audit(combine);
    EXPECT_EQ(together.code, 0) << together.out;
    EXPECT_EQ(together.json()["verdict"], "accepted");
    combine.pop_back();
    EXPECT_EQ(audit(combine).code, 1);
    EXPECT_EQ(audit(combine).json()["verdict"], "undecided");
    server->signal(SIGTERM);
    EXPECT_EQ(server->end().code(), 0) << server->output();
}

TEST_F(AttentionCommand, WhatWasTamperedWithIsRefused) {
    const auto server = serve();
    const Json attention = verify("1:1", {"--rows", "12"}).json()["audits"][0]["attention"];
    const std::string session = attention["session"], kept = attention["proof"];
    auto proof = serve::decode_attention_proof(*read_file(kept, std::size_t{1} << 24)).value();
    const auto refused = [&](const serve::AttentionProof& other) {
        EXPECT_TRUE(write_file(at("other.attention"), serve::encode(other)).ok());
        const Outcome outcome = check(at("other.attention"), session);
        EXPECT_EQ(outcome.code, 1) << outcome.out;
        EXPECT_EQ(outcome.json()["verdict"], "refused") << outcome.out;
        return outcome.json()["reason"].get<std::string>();
    };
    serve::AttentionProof other = proof;
    other.claims[0].sums[0] ^= 1;
    EXPECT_EQ(refused(other).find("layer 1, head 1: "), 0u);
    other = proof;
    other.claims[0].place.head = 0;
    EXPECT_EQ(refused(other).find("layer 1, head 0: "), 0u);
    // For people: what that means, and what to do.
    const Outcome told = run({"audit", "check", at("other.attention"), "--session", session,
                              "--model", at("cat.cairn")});
    EXPECT_NE(told.out.find("accuses nobody"), std::string::npos) << told.out;
    EXPECT_NE(told.out.find("cairn audit judge " + session), std::string::npos) << told.out;
    // Another session with the same server.
    const Json second = verify("1:1", {"--rows", "12"}).json()["audits"];
    if (!second.empty()) {
        const Outcome moved = check(kept, second[0]["attention"]["session"]);
        EXPECT_EQ(moved.json()["reason"],
                  "the proof is about another session, or another receipt of it");
    }
    EXPECT_EQ(check(at("text.txt"), session).json()["error"]["message"],
              at("text.txt") + ": this is no proof of attention");
    EXPECT_EQ(check(kept, kept).json()["error"]["message"], kept + ": this is no exhibit");
    EXPECT_EQ(check(kept, session, {"--share", "0/2"}).code, 2);
    EXPECT_EQ(check(kept, session, {"--out", at("share")}).code, 2);
    EXPECT_EQ(audit({"prove", session, "--model", at("cat.cairn"), "--heads", "7:0"}).code, 2);
    EXPECT_EQ(verify("many").code, 2);
    EXPECT_EQ(verify("1", {"--kv", "f16"}).code, 2);
    server->signal(SIGTERM);
    EXPECT_EQ(server->end().code(), 0) << server->output();
}

TEST_F(AttentionCommand, AServerThatLiesOrWillNotProveIsFoundByReplay) {
    const auto unwilling = serve({"--prove-rows", "0"});
    const Outcome none = verify("1");
    EXPECT_EQ(none.code, 0) << none.out;
    const Json audit = none.json()["audits"][0];
    EXPECT_EQ(audit["finding"], "right");
    EXPECT_EQ(audit["attention"]["verdict"], "not proved");
    EXPECT_NE(audit["attention"]["sentence"].get<std::string>().find("proves no attention"),
              std::string::npos)
        << none.out;
    const auto liar = serve({"--lie"});
    const Outcome caught = verify("1");
    EXPECT_EQ(caught.code, 1);
    const Json lied = caught.json()["audits"][0];
    EXPECT_EQ(lied["finding"], "convicted") << caught.out;
    EXPECT_EQ(lied["attention"]["verdict"], "refused") << caught.out;
    for (const auto* child : {&unwilling, &liar}) {
        (*child)->signal(SIGTERM);
        EXPECT_EQ((*child)->end().code(), 0) << (*child)->output();
    }
}

}  // namespace
}  // namespace cairn::cli
