// Proves that no peer can blind a node to what others offer, neither by offering without end nor by
// sending rubbish under somebody's id; that payloads hold room only once they decode; and that an
// item travels once.
#include "node/relay.h"

#include <gtest/gtest.h>

#include "node/test_active_chain.h"

namespace cairn::node {
namespace {

struct Sent {
    net::PeerId peer;
    MessageKind kind;
    Bytes body;
};

class RecordingNetwork final : public net::Network {
  public:
    void set_handler(net::NetworkHandler*) override {}
    void connect(const std::string&) override {}
    bool send(net::PeerId peer, std::uint16_t kind, ByteView body) override {
        sent.push_back({peer, static_cast<MessageKind>(kind), Bytes(body.begin(), body.end())});
        return true;
    }
    void disconnect(net::PeerId peer) override { dropped.push_back(peer); }
    std::string listen_address() const override { return {}; }

    std::vector<Sent> sent;
    std::vector<net::PeerId> dropped;
};

class RelayTest : public testing::Test, public ActiveChain::Observer {
  protected:
    explicit RelayTest(const chain::NetworkDefinition& network = consensus::test_network())
        : kit_(network),
          pool_(kit_.chain->network(), kit_.chain->genesis_id(), {}),
          relay_(kit_.clock, kit_.loop, network_, *kit_.chain, pool_, peers_, {}) {
        kit_.chain->set_observer(this);
        for (net::PeerId id = 1; id <= 3; ++id) {
            peers_[id].id = id;
            peers_[id].ready = true;
        }
    }
    void on_tip(const SwitchOutcome& outcome) override { relay_.on_tip(pool_.on_tip(outcome).due); }
    void on_block_accepted(const BlockNode*) override {}
    void on_bodies_wanted() override {}
    void on_fault(const std::string&) override {}

    void catch_up() {
        for (const chain::Block& block : kit_.others.blocks)
            if (!kit_.node(block)) kit_.give(block);
    }
    void offer(net::PeerId peer, const Item& item) {
        ASSERT_TRUE(
            relay_.on_inventory(peers_[peer], encode(Inventory{item.kind, {item.id}})).ok());
    }
    void deliver(net::PeerId peer, const ItemPtr& item) {
        ASSERT_TRUE(relay_.on_item(peers_[peer], item->name.kind, item->encoded()).ok());
        kit_.loop.run();
    }
    /// How often this peer was asked for it.
    int asked(net::PeerId peer, const Item& item) const {
        int times = 0;
        for (const Sent& sent : network_.sent) {
            if (sent.peer != peer || sent.kind != MessageKind::kGetItems) continue;
            const Inventory want = decode_inventory(sent.body).value();
            if (want.kind != item.kind) continue;
            times += static_cast<int>(std::ranges::count(want.ids, item.id));
        }
        return times;
    }
    /// A payload that Alice has committed to; the next block is the merge block.
    ItemPtr committed(const Bytes& payload) {
        const auto commitment = kit_.others.commit(kit_.alice, payload);
        consensus::Candidates candidates;
        candidates.commitments = {commitment};
        kit_.mine(kit_.bob, candidates);
        kit_.others.mine_to_merge(kit_.bob);
        catch_up();
        return make_item(kit_.others.reveal(kit_.alice, commitment, payload));
    }
    /// `count` payments of one coin of Alice's, each leaving a higher fee than the last.
    std::vector<ItemPtr> payments(int count, std::uint64_t fee) {
        const chain::OutPoint coin = kit_.others.earn(kit_.alice);
        catch_up();
        const std::uint64_t amount = kit_.others.ledger.coins().find(coin)->output.amount;
        std::vector<ItemPtr> made;
        for (int i = 0; i < count; ++i, fee += 1'000)
            made.push_back(
                make_item(kit_.others.pay(kit_.alice, coin, kit_.bob.key, amount - fee, fee)));
        return made;
    }
    static ItemPtr forged(const ItemPtr& payment) {
        chain::Payment changed = payment->payment();
        changed.signatures.back().bytes[40] ^= 1;
        return make_item(changed);
    }
    bool pooled(const ItemPtr& item) const {
        return pool_.contains(item->name.kind, item->name.id);
    }

    ActiveChainKit kit_;
    RecordingNetwork network_;
    PeerTable peers_;
    Mempool pool_;
    Relay relay_;
};

TEST_F(RelayTest, OffersWithoutEndBlindNobody) {
    for (int message = 0; message < 40; ++message) {
        Inventory made_up{ItemKind::kContribution, {}};
        for (std::size_t i = 0; i < kMaxInventory; ++i)
            made_up.ids.push_back(kit_.others.random.hash256());
        ASSERT_TRUE(relay_.on_inventory(peers_[1], encode(made_up)).ok());
    }
    const ItemPtr item = committed(consensus::FakeModel::payload_of(consensus::step(0)));
    offer(2, item->name);
    EXPECT_EQ(asked(2, item->name), 1);
    deliver(2, item);
    EXPECT_TRUE(pooled(item));
}

TEST_F(RelayTest, RubbishUnderAnIdDoesNotKeepTheGoodItemAway) {
    const ItemPtr item = committed(consensus::FakeModel::payload_of(consensus::step(0)));
    auto rubbish = item->contribution();
    rubbish.payload[0] ^= 1;
    offer(1, item->name);
    deliver(1, make_item(rubbish));
    EXPECT_FALSE(pooled(item));
    offer(2, item->name);
    EXPECT_EQ(asked(2, item->name), 1);
    deliver(2, item);
    EXPECT_TRUE(pooled(item));
}

TEST_F(RelayTest, APayloadThatDoesNotDecodeHoldsNoRoom) {
    for (const Bytes& payload :
         {Bytes(64, 0xee), Bytes(5, 1),
          consensus::FakeModel::payload_of(consensus::step(0, -1'000'000))}) {
        const ItemPtr item = committed(payload);
        offer(1, item->name);
        deliver(1, item);
        EXPECT_FALSE(pooled(item)) << payload.size();
        EXPECT_EQ(pool_.payload_bytes(), 0U);
        // There can be no other payload for this commitment.
        offer(2, item->name);
        EXPECT_EQ(asked(2, item->name), 0);
        kit_.mine(kit_.bob);
        catch_up();
    }
}

// Its fee is too low for the pool, which is found before its signatures are looked at: these are
// forged, and nobody noticed.
TEST_F(RelayTest, SignaturesOfWhatThePoolWouldNotTakeAreNotLookedAt) {
    const ItemPtr item = forged(payments(1, 10)[0]);
    offer(1, item->name);
    deliver(1, item);
    EXPECT_FALSE(pooled(item));
    EXPECT_TRUE(network_.dropped.empty());
}

TEST_F(RelayTest, WhoPassesOnAForgedSignatureIsDropped) {
    const ItemPtr good = payments(1, 10'000)[0];
    offer(1, good->name);
    deliver(1, forged(good));
    EXPECT_EQ(network_.dropped, std::vector<net::PeerId>{1});
    offer(2, good->name);
    deliver(2, good);
    EXPECT_TRUE(pooled(good)) << "the id of a payment does not have its signatures";
}

TEST_F(RelayTest, PaymentsWithoutEndDelayNeitherBlocksNorOtherPayments) {
    const std::vector<ItemPtr> all = payments(31, 10'000);
    kit_.loop.hold(Lane::kChain);
    for (std::size_t i = 0; i < 30; ++i) {
        offer(1, all[i]->name);
        deliver(1, all[i]);
    }
    EXPECT_EQ(kit_.loop.jobs(Lane::kChain), 1U) << "a block waits behind so many";
    const ItemPtr other = all.back();
    offer(2, other->name);
    deliver(2, other);
    for (int i = 0; i < 4; ++i) kit_.loop.finish(Lane::kChain);  // two looks at each payment
    EXPECT_TRUE(std::ranges::any_of(network_.sent, [&](const Sent& sent) {
        return sent.kind == MessageKind::kInventory &&
               std::ranges::count(decode_inventory(sent.body)->ids, other->name.id) > 0;
    })) << "it came thirty payments later, from somebody else";
    kit_.loop.release(Lane::kChain);
    kit_.loop.run();
}

// Whoever delivers somebody's payment behind many of his own, and leaves before it is judged.
TEST_F(RelayTest, WhoLeavesBeforeHisItemsAreJudgedKeepsThemFromNobody) {
    const std::vector<ItemPtr> all = payments(20, 10'000);
    const ItemPtr theirs = all.back();
    kit_.loop.hold(Lane::kChain);
    for (const ItemPtr& item : all) {
        offer(1, item->name);
        deliver(1, item);
    }
    relay_.on_peer_down(1);
    peers_.erase(1);
    kit_.loop.release(Lane::kChain);
    kit_.loop.run();
    EXPECT_FALSE(pooled(theirs));
    EXPECT_EQ(relay_.wanted(), 0U) << "nobody offers them any more";
    offer(2, theirs->name);
    EXPECT_EQ(asked(2, theirs->name), 1) << "the node is blind to it for ever";
    deliver(2, theirs);
    EXPECT_TRUE(pooled(theirs));
}

// The payment is faster than the block with the coin that it spends; its sender offers it once.
TEST_F(RelayTest, APaymentOfWhoIsABlockAheadIsTakenWhenTheBlockComes) {
    const chain::OutPoint coin = kit_.others.earn(kit_.alice);
    const std::uint64_t amount = kit_.others.ledger.coins().find(coin)->output.amount;
    const ItemPtr first =
        make_item(kit_.others.pay(kit_.alice, coin, kit_.bob.key, amount - 5'000, 5'000));
    catch_up();
    consensus::Candidates candidates;
    candidates.payments = {first->payment()};
    kit_.others.mine(kit_.bob, candidates);  // we do not have this block
    const chain::OutPoint then{chain::payment_id(first->payment()), 0};
    const ItemPtr second =
        make_item(kit_.others.pay(kit_.bob, then, kit_.alice.key, amount - 10'000, 5'000));
    offer(1, second->name);
    deliver(1, second);
    EXPECT_FALSE(pooled(second));
    catch_up();
    kit_.loop.run();
    EXPECT_TRUE(pooled(second));
    // What no block makes good is not kept for ever.
    const chain::OutPoint nowhere{kit_.others.random.hash256(), 0};
    chain::Payment wrong = second->payment();
    wrong.inputs = {nowhere};
    offer(2, make_item(wrong)->name);
    deliver(2, make_item(wrong));
    for (int i = 0; i < 4; ++i) {
        kit_.others.mine(kit_.bob);
        catch_up();
        kit_.loop.run();
    }
    EXPECT_FALSE(pooled(make_item(wrong)));
}

TEST_F(RelayTest, AnItemTravelsOnce) {
    const ItemPtr item = committed(consensus::FakeModel::payload_of(consensus::step(0)));
    for (net::PeerId peer = 1; peer <= 3; ++peer) offer(peer, item->name);
    deliver(2, item);  // was not asked
    EXPECT_FALSE(pooled(item));
    deliver(1, item);
    EXPECT_TRUE(pooled(item));
    for (net::PeerId peer = 1; peer <= 3; ++peer) offer(peer, item->name);
    EXPECT_EQ(asked(1, item->name) + asked(2, item->name) + asked(3, item->name), 1);
}

// The node was a few blocks behind when it was offered the payload, and what came was rubbish.
TEST_F(RelayTest, APayloadThatCameTooEarlyIsAskedForAgain) {
    const auto payload = consensus::FakeModel::payload_of(consensus::step(0));
    const auto commitment = kit_.others.commit(kit_.alice, payload);
    const ItemPtr item = make_item(kit_.others.reveal(kit_.alice, commitment, payload));
    auto rubbish = item->contribution();
    rubbish.payload[0] ^= 1;
    offer(1, item->name);
    deliver(1, make_item(rubbish));
    offer(2, item->name);
    EXPECT_EQ(asked(2, item->name), 0);  // one waits already
    consensus::Candidates candidates;
    candidates.commitments = {commitment};
    kit_.mine(kit_.bob, candidates);
    kit_.others.mine_to_merge(kit_.bob);
    catch_up();
    EXPECT_GE(asked(2, item->name), 1);
    deliver(2, item);
    EXPECT_TRUE(pooled(item));
}

class SlowStampTest : public RelayTest {
  protected:
    SlowStampTest() : RelayTest(slow()) {}
    static chain::NetworkDefinition slow() {
        chain::NetworkDefinition network = consensus::test_network();
        network.work = chain::WorkFunction::kArgon2id;
        return network;
    }
    ItemPtr commitment(std::uint8_t person) {
        return make_item(kit_.others.commit(consensus::Person(person), Bytes(4, person)));
    }
    void give(net::PeerId peer, const ItemPtr& item) {
        offer(peer, item->name);
        deliver(peer, item);
    }
    std::ptrdiff_t pooled_of(const std::vector<ItemPtr>& items) const {
        return std::ranges::count_if(items, [this](const ItemPtr& item) { return pooled(item); });
    }
};

TEST_F(SlowStampTest, IsHashedBesideTheLoopInTurn) {
    kit_.loop.hold(Lane::kWork);
    std::vector<ItemPtr> many;
    for (std::uint8_t person = 10; person < 50; ++person) {
        many.push_back(commitment(person));
        give(1, many.back());
    }
    const ItemPtr one = commitment(50);
    give(2, one);
    EXPECT_EQ(pooled_of(many), 0) << "hashed on the loop";
    ASSERT_EQ(kit_.loop.jobs(Lane::kWork), 1U);
    for (int i = 0; i < 2; ++i) kit_.loop.finish(Lane::kWork);
    EXPECT_TRUE(pooled(one));
    EXPECT_LT(pooled_of(many), 20) << "it waited for all that another peer sent before";
    kit_.loop.release(Lane::kWork);
    kit_.loop.run();
    EXPECT_EQ(pooled_of(many), 40);
}

TEST_F(SlowStampTest, WhoLeavesBeforeTheyAreHashedKeepsThemFromNobody) {
    kit_.loop.hold(Lane::kWork);
    std::vector<ItemPtr> many;
    for (std::uint8_t person = 10; person < 50; ++person) {
        many.push_back(commitment(person));
        give(1, many.back());
    }
    relay_.on_peer_down(1);
    peers_.erase(1);
    kit_.loop.release(Lane::kWork);
    kit_.loop.run();
    EXPECT_FALSE(pooled(many.back()));
    EXPECT_EQ(relay_.wanted(), 0U) << "nobody offers them any more";
    give(2, many.back());
    EXPECT_TRUE(pooled(many.back())) << "the node is blind to it for ever";
}

// Whoever fills the room for the next round with commitments would stop the loop when it begins.
TEST_F(SlowStampTest, OfThoseThatWaitedForTheirRoundToo) {
    kit_.others.mine_to_merge(kit_.bob);
    kit_.others.mine(kit_.bob);  // the next round has begun, and the node has not heard of it
    std::vector<ItemPtr> early;
    for (std::uint8_t person = 10; person < 50; ++person) {
        early.push_back(commitment(person));
        give(1, early.back());
    }
    EXPECT_EQ(pool_.waiting().size(), 40U);
    kit_.loop.hold(Lane::kWork);
    catch_up();
    EXPECT_EQ(pooled_of(early), 0) << "hashed on the loop";
    EXPECT_EQ(pool_.waiting().size(), 0U);
    kit_.loop.release(Lane::kWork);
    kit_.loop.run();
    EXPECT_EQ(pooled_of(early), 40);
}

}  // namespace
}  // namespace cairn::node
