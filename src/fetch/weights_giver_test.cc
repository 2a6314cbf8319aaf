// Proves that a giver answers within its bounds: so many questions of a peer and in all, so many
// bytes a second, shared by the parts of the network that ask; and that what makes no sense is
// refused.
#include "fetch/weights_giver.h"

#include <gtest/gtest.h>

#include "crypto/hash.h"
#include "fetch/test_links.h"
#include "model/test_model.h"

namespace cairn::fetch {
namespace {

struct Asker final : net::NetworkHandler {
    Asker(Loop& loop, TestWire& wire, const std::string& address) : links(loop, wire, address) {
        links.set_handler(this);
        links.connect("giver");
    }
    void on_peer_up(net::PeerId id, const net::PeerInfo&) override { peer = id; }
    void on_peer_down(net::PeerId, const std::string&) override { peer = 0; }
    void on_message(net::PeerId, std::uint16_t kind, Bytes body) override {
        switch (static_cast<MessageKind>(kind)) {
            case MessageKind::kLeaves:
                bytes += decode_leaves(body)->bytes.size();
                break;
            case MessageKind::kNoWeights:
                ++(decode_no_weights(body)->lack == Lack::kBusy ? busy : not_here);
                break;
            default:
                weights = *decode_weights(body);
        }
    }
    void ask(const Hash256& name, std::uint64_t first, std::uint32_t count) {
        send(links, peer, MessageKind::kAskLeaves, encode(AskLeaves{name, first, count}));
    }

    TestLinks links;
    net::PeerId peer = 0;
    std::uint64_t bytes = 0;
    std::size_t busy = 0, not_here = 0;
    std::optional<Weights> weights;
};

struct Giving : testing::Test {
    Giving() {
        model::ModelConfig config = model::small_config();
        config.vocab = 4096;  // an embedding of 48 leaves
        const model::ParameterLayout layout(config);
        auto model = std::make_shared<const model::Model>(
            model::make_model(config, model::initial_parameters(layout, 1)));
        source = leaves_of(model, name_model(config, model->weights));
        options.group_of = [this](net::PeerId peer) { return groups[peer]; };
    }
    void start() {
        giver.emplace(loop, wire, clock, "giver", options);
        giver->giver.offer(source);
    }
    /// Nine in one part of the network; who is added next is alone in another.
    std::vector<Asker*> add_crowd() {
        std::vector<Asker*> crowd;
        for (int i = 0; i < 9; ++i) {
            groups[static_cast<net::PeerId>(i + 1)] = "crowd";
            crowd.push_back(&add("crowd " + std::to_string(i)));
        }
        groups[10] = "alone";
        return crowd;
    }
    Asker& add(const std::string& address) {
        askers.push_back(std::make_unique<Asker>(loop, wire, address));
        loop.run();
        return *askers.back();
    }

    ManualClock clock;
    TestLoop loop{clock};
    TestWire wire;
    std::shared_ptr<const LeafSource> source;
    GiverOptions options;
    std::map<net::PeerId, std::string> groups;
    std::optional<TestGiver> giver;
    std::vector<std::unique_ptr<Asker>> askers;
};

TEST_F(Giving, WhatIsNotThereIsRefused) {
    start();
    Asker& asker = add("a");
    Hash256 other = source->name();
    other.bytes[3] ^= 1;
    asker.ask(other, 0, 1);
    asker.ask(source->name(), source->plan().leaves(), 1);
    asker.ask(source->name(), source->plan().tensor(0).count - 1, 2);  // of two tensors
    send(asker.links, asker.peer, MessageKind::kAskWeights, encode_ask_weights(other));
    send(asker.links, asker.peer, MessageKind::kAskWeights, encode_ask_weights({}));  // no chain
    loop.run();
    EXPECT_EQ(asker.not_here, 5U);
    EXPECT_EQ(asker.bytes, 0U);
    send(asker.links, asker.peer, MessageKind::kAskWeights, encode_ask_weights(source->name()));
    asker.ask(source->name(), 0, 2);
    loop.run();
    ASSERT_TRUE(asker.weights);
    EXPECT_EQ(asker.weights->manifest, encode(source->manifest()));
    EXPECT_EQ(asker.bytes, 2 * kLeafBytes);
    // What does not decode is its sender's fault.
    send(asker.links, asker.peer, MessageKind::kAskLeaves, Bytes{1, 2, 3});
    loop.run();
    EXPECT_EQ(asker.peer, 0U);
}

TEST_F(Giving, NobodyHasMoreThanSoManyQuestionsWaiting) {
    options.max_waiting = 12;
    start();
    loop.hold(Lane::kRead);
    Asker& a = add("a");
    Asker& b = add("b");
    for (int i = 0; i < 20; ++i) a.ask(source->name(), 0, 1);
    loop.run();
    EXPECT_EQ(a.busy, 20U - 8 - 1);  // one is being read
    for (int i = 0; i < 20; ++i) b.ask(source->name(), 0, 1);
    loop.run();
    EXPECT_EQ(b.busy, 20U - 4);
    EXPECT_EQ(giver->giver.waiting(), 12U);
    // What a lost link had asked for is forgotten.
    a.links.disconnect(a.peer);
    loop.run();
    EXPECT_EQ(giver->giver.waiting(), 4U);
    loop.release(Lane::kRead);
    loop.advance_ms(1'000);
    EXPECT_EQ(b.bytes, 4 * kLeafBytes);
    EXPECT_EQ(giver->giver.waiting(), 0U);
}

TEST_F(Giving, NothingIsReadForWhoTakesNoAnswer) {
    start();
    loop.hold(Lane::kRead);
    Asker& asker = add("a");
    for (int i = 0; i < 5; ++i) asker.ask(source->name(), 0, 1);
    loop.run();
    giver->links.is_full = true;
    loop.release(Lane::kRead);
    loop.run();
    EXPECT_EQ(giver->giver.waiting(), 0U) << "one was read, the others were let go";
    giver->links.is_full = false;
    loop.advance_ms(1'000);
    EXPECT_EQ(asker.bytes, 0U);
    EXPECT_EQ(giver->giver.bytes_given(), 0U);
    asker.ask(source->name(), 0, 1);
    loop.advance_ms(1'000);
    EXPECT_EQ(asker.bytes, kLeafBytes);
}

TEST_F(Giving, ACrowdInOnePartOfTheNetworkKeepsNobodyOut) {
    options.max_waiting = 12;
    start();
    loop.hold(Lane::kRead);
    const std::vector<Asker*> crowd = add_crowd();
    Asker& alone = add("alone");
    for (Asker* asker : crowd)
        for (int i = 0; i < 8; ++i) asker->ask(source->name(), 0, 1);
    loop.run();
    for (int i = 0; i < 8; ++i) alone.ask(source->name(), 0, 1);
    loop.run();
    EXPECT_EQ(alone.busy, 2U);  // it has half of the places
    EXPECT_EQ(giver->giver.waiting(), 12U);
    loop.release(Lane::kRead);
    loop.advance_ms(1'000);
    EXPECT_EQ(alone.bytes, 6 * kLeafBytes);
    EXPECT_EQ(giver->giver.waiting(), 0U);
    std::size_t answered = 0;
    for (const Asker* asker : crowd) answered += asker->busy + asker->bytes / kLeafBytes;
    EXPECT_EQ(answered, 9U * 8);
}

TEST_F(Giving, BytesASecondAreSharedByPartsOfTheNetwork) {
    options.bytes_per_s = 40 * kLeafBytes;
    start();
    const std::vector<Asker*> crowd = add_crowd();
    Asker& alone = add("alone");
    const std::uint64_t before = giver->giver.bytes_given();
    for (int round = 0; round < 200; ++round) {
        for (Asker* asker : crowd)
            for (int i = 0; i < 4; ++i) asker->ask(source->name(), 0, 1);
        for (int i = 0; i < 4; ++i) alone.ask(source->name(), 0, 1);
        loop.advance_ms(50);
    }
    const std::uint64_t given = giver->giver.bytes_given() - before;
    EXPECT_LE(given, (10 + 2) * options.bytes_per_s + 2 * kLeafBytes);
    EXPECT_GE(given, 9 * options.bytes_per_s);
    // One against nine: half.
    EXPECT_GE(alone.bytes, given * 4 / 10);
    for (const Asker* asker : crowd) EXPECT_GE(asker->bytes, given / 9 / 4);
}

}  // namespace
}  // namespace cairn::fetch
