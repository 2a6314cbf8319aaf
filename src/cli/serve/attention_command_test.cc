// Proves, with a real server, that `cairn verify --attention` has attention proved and checks it,
// and keeps what was proved; that `cairn audit prove`, `check` and `combine` do the same with
// files, in shares too; that what was tampered with is refused, with exit code 1; and that a server
// that lies is convicted by replay while its proofs do not fit what it signed for, and where they
// do because it lied within what a proof leaves open, whoever asks for replay is told by the exit
// code.
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "audit/head_walk.h"
#include "base/files.h"
#include "cli/serve/test_small_model.h"
#include "cli/test_child.h"
#include "cli/test_run.h"
#include "formats/load.h"
#include "serve/attention_proof.h"
#include "serve/exhibit_file.h"

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

/// The statement with the last row's shift moved by a step, and that row's sums as they follow.
void move_last_shift(argument::Statement& statement) {
    const std::size_t width = statement.sizes.head_dim, i = statement.sizes.rows - 1;
    statement.shifts[i] += 64;
    std::fill_n(statement.sums.end() - static_cast<std::ptrdiff_t>(width), width, 0);
    for (std::size_t j = statement.sizes.first_key(i); j <= i; ++j) {
        std::int64_t score = 0;
        for (std::size_t c = 0; c < width; ++c)
            score += std::int64_t{statement.queries[i * width + c]} * statement.keys[j * width + c];
        const auto below = static_cast<std::uint64_t>(statement.shifts[i] - score);
        for (std::size_t c = 0; c < width; ++c)
            statement.sums[i * width + c] +=
                std::int64_t{tensor::digit_weight(below)} * statement.values[j * width + c];
    }
}

/// A session whose server moved one shift of one head by a step, and its proof of that head.
std::pair<serve::Exhibit, serve::AttentionProof> lie_within_the_tolerance(
    const serve::ModelSnapshot& snapshot) {
    SeededRandom random(3);
    const crypto::SecretKey secret = crypto::SecretKey::generate(random);
    ThreadPool pool{1};
    const tensor::Compute compute{tensor::kernels_from_environment().value(), &pool};
    const model::LayerRange layers = model::all_layers(snapshot.config);
    constexpr std::size_t kRows = 12;
    constexpr audit::HeadPlace kPlace{1, 0};
    std::vector<float> rows(kRows * snapshot.config.dim);
    for (float& x : rows) x = static_cast<float>(random.below(2001)) / 1000.0F - 1.0F;
    std::vector<float> outputs = rows;
    argument::Statement lied;
    audit::HeadWalk walk(snapshot.config, snapshot.weights, compute, kRows);
    EXPECT_TRUE(walk.run(
                        outputs, layers, tensor::StateType::kF32,
                        [](std::uint32_t) { return ok_status(); },
                        [&](audit::HeadPlace place) { return place == kPlace; },
                        [&](audit::HeadPlace, argument::Statement& statement) {
                            statement = argument::make_statement(statement.sizes, statement.queries,
                                                                 statement.keys, statement.values);
                            move_last_shift(statement);
                            lied = statement;
                            return ok_status();
                        })
                    .ok());
    serve::Exhibit session;
    session.terms = {.session = random.hash256(),
                     .model = snapshot.hash,
                     .kv = tensor::KvType::kDigits,
                     .max_positions = 64};
    session.server = crypto::public_key(secret);
    session.inputs = {rows};
    serve::InputChain chain;
    chain.put(0, rows, snapshot.config.dim);
    session.receipt = serve::make_receipt(session.terms, layers, chain.end(),
                                          serve::states_hash(0, outputs), secret, random.hash256());
    lied.about =
        audit::proof_is_about(serve::receipt_message(session.terms, session.receipt), kPlace);
    return {session,
            {session.terms,
             session.server,
             session.receipt,
             {{kPlace, lied.shifts, lied.sums, argument::prove(lied).value()}}}};
}

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
    EXPECT_EQ(check(kept, session, {"--share", "1/2", "--replay"}).code, 2);
    EXPECT_EQ(audit({"prove", session, "--model", at("cat.cairn"), "--heads", "7:0"}).code, 2);
    EXPECT_EQ(verify("many").code, 2);
    EXPECT_EQ(verify("1", {"--kv", "f16"}).code, 2);
    server->signal(SIGTERM);
    EXPECT_EQ(server->end().code(), 0) << server->output();
}

TEST_F(AttentionCommand, WhoAsksForReplayIsToldOfALieWithinTheTolerance) {
    const auto model =
        std::make_shared<const model::Model>(formats::load_any(at("cat.cairn")).value().model);
    const auto [session, proof] = lie_within_the_tolerance(serve::snapshot_of(model).value());
    ASSERT_TRUE(write_file(at("lie.exhibit"), serve::encode(session)).ok());
    ASSERT_TRUE(write_file(at("lie.attention"), serve::encode(proof)).ok());
    const Outcome accepted = check(at("lie.attention"), at("lie.exhibit"));
    EXPECT_EQ(accepted.code, 0) << accepted.out;
    EXPECT_EQ(accepted.json()["verdict"], "accepted") << accepted.out;
    const Outcome replayed = check(at("lie.attention"), at("lie.exhibit"), {"--replay"});
    EXPECT_EQ(replayed.code, 1) << replayed.out;
    EXPECT_EQ(replayed.json()["verdict"], "accepted");
    EXPECT_EQ(replayed.json()["replay"]["verdict"], "convicts the server");
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
