// Proves that a server proves the attention of its own sessions to whoever shows what it signed
// for, and that everything else is refused in words at little cost: too many rows or heads, other
// caches, models and servers, rows that were not signed for, a second question while the first is
// open, and crowds, between whose parts of the network it takes turns. What nobody can have any
// more, because he has left or does not read, is not proved, and neither strangers nor two parts of
// the network keep others from a proof. Proving takes a bounded part of the time, however many ask.
#include "serve/attention_desk.h"

#include <gtest/gtest.h>

#include "audit/replay.h"
#include "serve/test_world.h"

namespace cairn::serve {
namespace {

/// A server that does nothing but prove.
struct DeskNode : net::NetworkHandler {
    FakeNetwork network;
    AttentionDesk desk;

    DeskNode(TestWorld& world, const crypto::SecretKey& secret, AttentionDeskOptions options)
        : network(world.loop, world.wire, "desk", crypto::public_key(secret)),
          desk(world.loop, network, world.clock, crypto::public_key(secret), std::move(options)) {
        network.set_handler(this);
    }
    void on_peer_up(net::PeerId, const net::PeerInfo&) override {}
    void on_peer_down(net::PeerId peer, const std::string&) override { desk.forget(peer); }
    void on_message(net::PeerId peer, std::uint16_t kind, Bytes body) override {
        if (static_cast<MessageKind>(kind) == kAskAttention) desk.ask(peer, body);
    }
};

struct AttentionDeskTest : ::testing::Test {
    TestWorld world{small_model()};
    crypto::SecretKey secret = crypto::SecretKey::generate(world.random);
    std::unique_ptr<DeskNode> node;
    Exhibit session = serve(9);
    std::map<std::string, std::unique_ptr<RawPeer>> peers;

    AttentionDeskTest() { start({.max_rows = 16}); }

    void start(AttentionDeskOptions options) {
        peers.clear();
        world.loop.run_for(10);  // the old node hears of it
        node.reset();
        options.group_of = [this](net::PeerId peer) { return node->network.group_of(peer); };
        node = std::make_unique<DeskNode>(world, secret, std::move(options));
        node->desk.set_model(world.snapshot);
    }
    /// A session of all layers that the desk's server signed for.
    Exhibit serve(std::size_t rows, tensor::KvType kv = tensor::KvType::kDigits) {
        Exhibit exhibit;
        exhibit.terms = {.session = world.random.hash256(),
                         .model = world.snapshot.hash,
                         .kv = kv,
                         .max_positions = 64};
        exhibit.server = crypto::public_key(secret);
        exhibit.inputs = {world.some_states(rows, 3)};
        const model::ModelConfig& config = world.model->config;
        const auto outputs = audit::recompute(config, world.model->weights, {0, 5},
                                              exhibit.inputs[0], kv, world.compute);
        InputChain chain;
        chain.put(0, exhibit.inputs[0], config.dim);
        exhibit.receipt = make_receipt(exhibit.terms, {0, 5}, chain.end(), states_hash(0, *outputs),
                                       secret, world.random.hash256());
        return exhibit;
    }
    AttentionQuestion question(std::vector<audit::HeadPlace> heads = {{2, 1}}) const {
        return {session.terms, session.receipt, std::move(heads), session.inputs[0]};
    }
    RawPeer& peer(const std::string& name, const std::string& group = "one") {
        std::unique_ptr<RawPeer>& found = peers[name];
        if (!found) {
            found = std::make_unique<RawPeer>(world, name, group);
            found->network.connect("desk");
            world.loop.run_for(10);
        }
        return *found;
    }
    std::vector<AttentionAnswer> answers(const RawPeer& from) const {
        std::vector<AttentionAnswer> found;
        for (const auto& [kind, body] : from.got)
            if (kind == kAttention) found.push_back(decode_attention_answer(body).value());
        return found;
    }
    /// What a newcomer is told who asks this.
    std::string refusal(const AttentionQuestion& asked) {
        RawPeer& stranger = peer("stranger" + std::to_string(peers.size()));
        stranger.send(kAskAttention, encode(asked));
        if (!answers(stranger).empty()) return "proved";
        return stranger.errors.empty() ? "silence" : stranger.errors.back();
    }
};

TEST_F(AttentionDeskTest, ProvesWhatItSignedFor) {
    RawPeer& asker = peer("asker");
    const std::vector<audit::HeadPlace> heads = {{0, 0}, {2, 1}, {4, 3}};
    asker.send(kAskAttention, encode(question(heads)));
    AttentionProof proof{session.terms, session.server, session.receipt, {}};
    for (const AttentionAnswer& answer : answers(asker)) {
        EXPECT_EQ(answer.session, session.terms.session);
        proof.claims.push_back(answer.claim);
    }
    ASSERT_EQ(proof.claims.size(), 3u) << refusal(question());
    const AttentionShare share =
        check_attention(proof, {}, session, world.snapshot, {}, world.compute, world.clock).value();
    EXPECT_TRUE(combine_attention(proof, {}, std::span(&share, 1)).is_valid());
    EXPECT_EQ(node->desk.proved(), 3u);
    // And again: nothing was kept, nothing is used up.
    EXPECT_EQ(refusal(question()), "proved");
}

TEST_F(AttentionDeskTest, RefusesInWords) {
    const auto expect_refusal = [&](const AttentionQuestion& asked, const std::string& words) {
        EXPECT_NE(refusal(asked).find(words), std::string::npos) << refusal(asked);
    };
    AttentionQuestion other = question();
    other.terms.model = world.random.hash256();
    expect_refusal(other, "wrong model: this server does not hold model");
    other = question();
    other.rows.pop_back();
    expect_refusal(other, "bad request: the rows are not rows of this model");
    other = question();
    other.rows[0] += 1;
    expect_refusal(other, "these are not the inputs that the receipt was signed for");
    other = question();
    other.terms.session = world.random.hash256();
    expect_refusal(other, "the receipt is not signed by this server");
    expect_refusal(question({{5, 0}}), "head 0 of layer 5 is none of the session's");
    session = serve(9, tensor::KvType::kF32);
    expect_refusal(question(), "attention is proved of sessions by digits");
    session = serve(17);
    expect_refusal(question(), "this server proves attention of 16 rows at most, not of 17");
    session = serve(9);
    RawPeer& vandal = peer("vandal");
    vandal.send(kAskAttention, Bytes(100, 0xAB));
    EXPECT_EQ(vandal.errors.size(), 1u);
    EXPECT_EQ(node->desk.proved(), 0u);
    start({.max_rows = 0, .why_none = "not today"});
    expect_refusal(question(), "not today");
}

TEST_F(AttentionDeskTest, ABoundOnHeadsGrowsWithFewerRows) {
    EXPECT_EQ(max_asked_heads(1, 64), 64u);
    EXPECT_EQ(max_asked_heads(128, 64), 64u);
    EXPECT_EQ(max_asked_heads(257, 64), 16u);
    EXPECT_EQ(max_asked_heads(2048, 64), 1u);
    EXPECT_EQ(max_asked_heads(4096, 64), 1u);
    EXPECT_EQ(max_asked_heads(4096, 1024), 0u);
}

// All answers are queued at once, for a link that takes two of the largest messages.
TEST_F(AttentionDeskTest, NoQuestionHasAnswersThatALinkDoesNotTake) {
    for (const std::size_t rows : {1U, 100U, 256U, 512U, 1024U, 4096U})
        for (const std::size_t width : {16U, 64U, 128U, 256U, 1024U})
            EXPECT_LE(max_asked_heads(rows, width) * (32 + largest_claim_bytes(rows, width)),
                      net::kMaxMessageBytes)
                << rows << " rows of " << width;
    // What is said of a claim's size holds for those that are made.
    const Bytes claim = encode(AttentionAnswer{
        {}, prove_attention(session, world.snapshot, {{{2, 1}}}, world.compute)->claims[0]});
    EXPECT_LE(claim.size(), 32 + largest_claim_bytes(9, world.model->config.head_dim()));
}

TEST_F(AttentionDeskTest, WhoDoesNotReadHasNothingProved) {
    RawPeer& silent = peer("silent");
    node->network.full = true;
    silent.send(kAskAttention, encode(question()));
    ASSERT_EQ(silent.errors.size(), 1u);
    EXPECT_EQ(silent.errors[0], "busy: the connection takes no more: read what was sent");
    EXPECT_EQ(node->desk.proved(), 0u);
    node->network.full = false;
    EXPECT_EQ(refusal(question()), "proved");
}

TEST_F(AttentionDeskTest, ForWhomHasLeftNothingIsProved) {
    world.loop.hold_lane(Lane::kProve);
    peer("hasty").send(kAskAttention, encode(question()));
    peers.erase("hasty");
    world.loop.run_for(10);
    world.loop.release_lane(Lane::kProve);
    world.loop.run_for(10);
    EXPECT_EQ(node->desk.proved(), 0u);
    EXPECT_EQ(refusal(question()), "proved");
}

// The block judge's second opinion and the judgement of exhibits have a lane of their own.
TEST_F(AttentionDeskTest, NothingElseWaitsForAProof) {
    world.loop.hold_lane(Lane::kReference);
    EXPECT_EQ(refusal(question()), "proved");
}

TEST_F(AttentionDeskTest, WhatItDidNotSignForTakesNobodysPlace) {
    world.loop.hold_lane(Lane::kProve);
    peer("first").send(kAskAttention, encode(question()));
    AttentionQuestion foreign = question();
    foreign.receipt.signature.bytes[3] ^= 1;
    AttentionQuestion moved = question();
    moved.rows[0] += 1;
    for (int i = 0; i < 12; ++i) {
        RawPeer& stranger = peer("stranger" + std::to_string(i), "group" + std::to_string(i));
        stranger.send(kAskAttention, encode(i % 2 == 0 ? foreign : moved));
        ASSERT_EQ(stranger.errors.size(), 1u) << i;
        EXPECT_EQ(stranger.errors[0].find("bad request: "), 0u) << stranger.errors[0];
    }
    RawPeer& honest = peer("honest", "elsewhere");
    honest.send(kAskAttention, encode(question()));
    EXPECT_TRUE(honest.errors.empty());
    world.loop.release_lane(Lane::kProve);
    world.loop.run_for(10);
    EXPECT_EQ(answers(honest).size(), 1u);
}

TEST_F(AttentionDeskTest, TwoPartsOfTheNetworkLeaveRoomForOthers) {
    world.loop.hold_lane(Lane::kProve);
    std::size_t places = 0;
    for (const char* group : {"one", "two"})
        for (int i = 0; i < 8; ++i) {
            RawPeer& crowd = peer(group + std::to_string(i), group);
            crowd.send(kAskAttention, encode(question()));
            if (crowd.errors.empty()) ++places;
        }
    EXPECT_EQ(places, 6u);
    for (const char* group : {"three", "four"}) {
        RawPeer& other = peer(group, group);
        other.send(kAskAttention, encode(question()));
        EXPECT_TRUE(other.errors.empty()) << group;
    }
    world.loop.release_lane(Lane::kProve);
    world.loop.run_for(10);
    EXPECT_EQ(node->desk.proved(), 8u);
}

TEST_F(AttentionDeskTest, CrowdsWaitForEachOther) {
    start({.max_rows = 16, .max_waiting = 7});
    world.loop.hold_lane(Lane::kProve);
    std::vector<RawPeer*> crowd;
    for (int i = 0; i < 6; ++i) {
        crowd.push_back(&peer("crowd" + std::to_string(i), "crowd"));
        crowd.back()->send(kAskAttention, encode(question()));
    }
    // One is proved for, three wait; the others find no room.
    for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(crowd[i]->errors.size(), i < 4 ? 0u : 1u) << i;
    EXPECT_NE(crowd[5]->errors[0].find("busy: others wait"), std::string::npos);
    crowd[1]->send(kAskAttention, encode(question()));
    EXPECT_EQ(crowd[1]->errors[0],
              "busy: one question at a time: the last one is not answered yet");
    // Somebody from elsewhere is next, though he came last; who has left is forgotten.
    RawPeer& other = peer("other", "elsewhere");
    other.send(kAskAttention, encode(question({{4, 0}})));
    EXPECT_TRUE(other.errors.empty());
    peers.erase("crowd2");
    world.loop.run_for(10);
    std::vector<std::uint32_t> layers;  // in the order in which they are answered
    node->network.tamper = [&](MessageKind kind, Bytes& body) {
        if (kind == kAttention)
            layers.push_back(decode_attention_answer(body).value().claim.place.layer);
    };
    world.loop.release_lane(Lane::kProve);
    world.loop.run_for(10);
    EXPECT_EQ(answers(other).size(), 1u);
    EXPECT_EQ(layers, (std::vector<std::uint32_t>{2, 4, 2, 2}));
    EXPECT_EQ(node->desk.proved(), 4u);
}

// A question is free, and may cost a pass over all layers.
struct AttentionDeskBudget : AttentionDeskTest {
    static constexpr std::uint64_t kProofSeconds = 10;  // that each takes
    static constexpr std::uint64_t kSeconds = 1'200;
    std::uint64_t busy = 0;

    AttentionDeskBudget() {
        world.loop.hold_lane(Lane::kProve);
        node->network.tamper = [this](MessageKind kind, Bytes&) {
            if (kind == kAttention) world.loop.hold_lane(Lane::kProve);  // for the next one
        };
    }

    /// A second, in which what is under way comes to its end if it is time.
    void pass() {
        world.loop.run_for(1'000);
        busy = world.loop.waiting_work() > 0 ? busy + 1 : 0;
        if (busy < kProofSeconds) return;
        world.loop.release_lane(Lane::kProve);
        busy = 0;
    }
};

TEST_F(AttentionDeskBudget, OnePartOfTheNetworkHasATenthOfTheTime) {
    RawPeer& glutton = peer("glutton", "gluttons");
    for (std::uint64_t i = 0; i < kSeconds; ++i) {
        glutton.send(kAskAttention, encode(question()));
        pass();
    }
    // Its part of the time, what it had beforehand, and one that it may owe.
    const std::uint64_t part = kSeconds / 10 / kProofSeconds;
    EXPECT_LE(node->desk.proved(), part + 60 / kProofSeconds + 2);
    EXPECT_GE(node->desk.proved(), part);
    EXPECT_NE(glutton.errors.back().find("busy: much was proved for your part of the network"),
              std::string::npos)
        << glutton.errors.back();
    // Others do not wait for that.
    RawPeer& other = peer("other", "elsewhere");
    other.send(kAskAttention, encode(question()));
    for (std::uint64_t i = 0; i < 2 * kProofSeconds; ++i) pass();
    EXPECT_EQ(answers(other).size(), 1U);
}

TEST_F(AttentionDeskBudget, AllTogetherHaveHalfOfTheTime) {
    for (std::uint64_t i = 0; i < kSeconds; ++i) {
        const std::string name = std::to_string(i % 30);
        peer(name, "part" + name).send(kAskAttention, encode(question()));
        pass();
    }
    // One may begin within a second, and so take nearly one less.
    EXPECT_LE(node->desk.proved() * (kProofSeconds - 1), kSeconds / 2 + 60 + 2 * kProofSeconds);
    EXPECT_GE(node->desk.proved() * kProofSeconds, kSeconds / 2);
}

}  // namespace
}  // namespace cairn::serve
