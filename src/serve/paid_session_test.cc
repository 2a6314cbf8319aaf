// Proves that sessions are paid as S42 says: a text over paid servers is the same to the bit, at no
// time is either side more than the price of 16 rows ahead, whoever does not pay, pays too little,
// pays from another's channel or with a bad voucher is refused in words, and neither a crash
// nor a reorganisation costs more.
#include <gtest/gtest.h>

#include "serve/kept_session.h"
#include "serve/test_paid.h"
#include "serve/test_text.h"

namespace cairn::serve {
namespace {

TEST_F(PaidSessionTest, ARowsPriceIsRoundedUpAndNeverOverflows) {
    EXPECT_EQ(row_price(1, {0, 1}), 1U);
    EXPECT_EQ(row_price(1000, {0, 3}), 3U);
    EXPECT_EQ(row_price(1001, {0, 3}), 4U);
    EXPECT_EQ(row_price(0, {0, 3}), 0U);
    EXPECT_EQ(row_price(kMaxPrice, {0, 500}), kMaxPrice / 2);
}

TEST_F(PaidSessionTest, ATextOverPaidServersIsTheSameAndPaysForEachRow) {
    add_paid("a", {0, 2});
    add_paid("b", {2, 5});
    const auto to_a = open_channel("a");
    const auto to_b = open_channel("b");
    const Text alone = write_alone(world, kPrompt, 30);
    FakeRemote layers(world, remote());
    ASSERT_TRUE(layers.start().ok());
    const Text paid = write_text(world, layers, kPrompt, 30);
    EXPECT_EQ(paid, alone) << paid.error;

    const std::uint64_t rows = kPrompt.size() + 30 - 1;
    for (const auto& [outpoint, range] :
         {std::pair(to_a, model::LayerRange{0, 2}), std::pair(to_b, model::LayerRange{2, 5})}) {
        const std::uint64_t worth = rows * price(range);
        const channel::Record record = payer_record(outpoint);
        EXPECT_GE(record.paid, worth);
        EXPECT_LE(record.paid, worth + 16 * price(range));
    }
    EXPECT_EQ(tills.at("a")->earned() + tills.at("b")->earned(), purse->spent());
    layers.layers().close();
    world.loop.run_for(10);
    // Both ends know of the same rows.
    EXPECT_EQ(payee_record("a", to_a).counted, rows * price({0, 2}));
    EXPECT_EQ(payee_record("a", to_a).paid, payer_record(to_a).paid);
}

TEST_F(PaidSessionTest, NeitherSideIsEverMoreThanSixteenRowsAhead) {
    Till& till = add_paid("a", {0, 5});
    const auto outpoint = open_channel("a");
    FakeRemote layers(world, remote());
    ASSERT_TRUE(layers.start().ok());
    std::uint64_t rows = 0;
    for (const std::size_t count : {1U, 16U, 31U, 5U, 1U, 1U, 40U}) {
        States states = world.some_states(count, 3);
        ASSERT_TRUE(layers.forward(states).ok());
        rows += count;
        const std::uint64_t worth = rows * price();
        EXPECT_LE(payer_record(outpoint).paid, worth + 16 * price());
        EXPECT_GE(till.earned() + 16 * price(), worth);
    }
}

TEST_F(PaidSessionTest, WithoutAPurseOrAChannelTheClientIsToldWhatToDo) {
    add_paid("a", {0, 5});
    EXPECT_TRUE(has(open_error(hop("a")), "no channel of yours pays this server"));
    open_channel("a");
    Hop dear = hop("a");
    purse_options.max_price = kPrice - 1;
    use_purse();
    EXPECT_TRUE(has(open_error(dear), "more than you would pay"));
    Hop foreign = hop("a");
    foreign.genesis_id = chain::filled<32>(9);
    EXPECT_TRUE(has(open_error(foreign), "the coin of another network"));
    world.client->sessions().set_purse(nullptr);
    EXPECT_TRUE(has(open_error(dear), "nothing is to be paid from"));
    dear.price = 0;
    EXPECT_TRUE(has(open_error(dear), "asks for 0.000002 coins for each row"));
    Hop other_price = hop("a");
    other_price.price = kPrice * 2;
    purse_options.max_price = kPrice * 2;
    use_purse();
    EXPECT_TRUE(has(open_error(other_price), "not for 0.000004"));
}

TEST_F(PaidSessionTest, ABadChannelIsRefusedInWords) {
    add_paid("a", {0, 5});
    const auto outpoint = open_channel("a");
    const channel::OnChain good = view.channels.at(outpoint);
    view.channels.erase(outpoint);
    EXPECT_TRUE(has(open_error(hop("a")), "the chain here has no such channel"));
    view.channels[outpoint] = {good.output, 96};
    EXPECT_TRUE(has(open_error(hop("a")), "5 blocks deep; 6 are needed"));
    view.channels[outpoint] = good;
    view.tip = kExpiry - 24;
    EXPECT_TRUE(has(open_error(hop("a")), "expires at height 500"));
    view.tip = 100;
    view.channels[outpoint].output.payee = chain::test_key(5);
    EXPECT_TRUE(has(open_error(hop("a")), "pays somebody else"));
    view.channels[outpoint] = good;
    EXPECT_EQ(open_error(hop("a")), "");
}

TEST_F(PaidSessionTest, NobodyElseCanUseTheChannel) {
    add_paid("a", {0, 5});
    add_paid("b", {0, 5});
    const auto outpoint = open_channel("a");
    RawPeer thief(world, "thief");
    const SessionTerms terms{
        .session = world.random.hash256(), .model = world.snapshot.hash, .max_positions = 64};
    OpenSession stolen{terms, {0, 5}, SessionPayment{outpoint, price(), {}}};
    auto& signature = stolen.payment->signature;
    signature = crypto::sign(chain::test_secret(2),
                             payment_message(terms, {0, 5}, key_of("a"), kGenesis, *stolen.payment),
                             world.random);
    thief.network.connect("a");
    world.loop.run_for(10);
    thief.send(MessageKind::kOpenSession, encode(stolen));
    ASSERT_EQ(thief.errors.size(), 1U);
    EXPECT_TRUE(has(thief.errors.back(), "not the channel's payer who asks"));
    // What the payer signed for another session, or for b, is worth nothing here.
    const OpenSession own{terms, {0, 5}, SessionPayment{outpoint, price(), {}}};
    const auto signed_for = [&](SessionTerms other, const crypto::PublicKey& server) {
        OpenSession message = own;
        message.payment->signature = crypto::sign(
            chain::test_secret(1), payment_message(other, {0, 5}, server, kGenesis, *own.payment),
            world.random);
        thief.send(MessageKind::kOpenSession, encode(message));
        return thief.errors.back();
    };
    SessionTerms other = terms;
    other.session.bytes[0] ^= 1;
    EXPECT_TRUE(has(signed_for(other, key_of("a")), "not the channel's payer"));
    EXPECT_TRUE(has(signed_for(terms, key_of("b")), "not the channel's payer"));
    thief.got.clear();
    signed_for(terms, key_of("a"));
    EXPECT_EQ(thief.got.back().first, MessageKind::kOpened);
}

TEST_F(PaidSessionTest, WhoDoesNotPayGetsSixteenRows) {
    add_paid("a", {0, 5}, 5'000);
    PaidPeer mean(world, "mean", open_channel("a"));
    ASSERT_TRUE(mean.open_paid("a", key_of("a"), price()));
    ASSERT_TRUE(mean.computes(0, 16));
    EXPECT_TRUE(mean.errors.empty());
    mean.send(MessageKind::kPush, encode(mean.push(16, world.some_states(1, 1))));
    EXPECT_EQ(world.servers.at("a").server->tokens_computed(), 16U);
    world.loop.run_for(7'000);
    ASSERT_EQ(mean.errors.size(), 1U);
    EXPECT_TRUE(has(mean.errors.back(), "unpaid: no voucher came for more than the price of 16"));
    // Nor by other sessions, nor by another link: the channel owes what it owes.
    ASSERT_TRUE(mean.open_paid("a", key_of("a"), price()));
    mean.send(MessageKind::kPush, encode(mean.push(0, world.some_states(1, 1))));
    PaidPeer again(world, "again", mean.outpoint);
    ASSERT_TRUE(again.open_paid("a", key_of("a"), price()));
    again.send(MessageKind::kPush, encode(again.push(0, world.some_states(1, 1))));
    EXPECT_EQ(world.servers.at("a").server->tokens_computed(), 16U);
    // A voucher pays for what was owed, and both go on.
    again.pay(2 * price());
    EXPECT_EQ(world.servers.at("a").server->tokens_computed(), 18U);
}

TEST_F(PaidSessionTest, ALargePushIsRefused) {
    add_paid("a", {0, 5});
    PaidPeer peer(world, "peer", open_channel("a"));
    ASSERT_TRUE(peer.open_paid("a", key_of("a"), price()));
    peer.send(MessageKind::kPush, encode(peer.push(0, world.some_states(17, 1))));
    ASSERT_EQ(peer.errors.size(), 1U);
    EXPECT_TRUE(has(peer.errors.back(), "has 16 rows at most"));
}

TEST_F(PaidSessionTest, BadVouchersEndTheSessionInWords) {
    add_paid("a", {0, 5});
    const auto outpoint = open_channel("a");
    const auto refusal = [&](auto bad) {
        PaidPeer peer(world, "peer" + std::to_string(next_channel++), outpoint);
        EXPECT_TRUE(peer.open_paid("a", key_of("a"), price()));
        peer.pay(10 * price());
        EXPECT_TRUE(peer.errors.empty());
        bad(peer);
        return peer.errors.empty() ? "" : peer.errors.back();
    };
    EXPECT_EQ(refusal([&](PaidPeer& peer) { peer.pay(9 * price()); }), "") << "it adds nothing";
    EXPECT_TRUE(has(refusal([&](PaidPeer& peer) { peer.pay(11 * price(), 2); }), "not signed by"));
    EXPECT_TRUE(has(refusal([&](PaidPeer& peer) { peer.pay(kCapacity + 1); }), "holds only"));
    view.tip = 470;
    EXPECT_EQ(refusal([&](PaidPeer& peer) { peer.pay(10 * price()); }), "");
    EXPECT_TRUE(has(refusal([&](PaidPeer& peer) {
                        view.tip = 480;
                        peer.pay(12 * price());
                    }),
                    "no voucher is taken any more"));
}

TEST_F(PaidSessionTest, AHighPriceInOneSessionDoesNotBuyCreditForAnother) {
    add_paid("a", {0, 5});
    PaidPeer peer(world, "peer", open_channel("a"));
    EXPECT_FALSE(peer.open_paid("a", key_of("a"), price() * 1000));
    EXPECT_TRUE(has(peer.errors.back(), "not for"));
}

TEST_F(PaidSessionTest, ACrashOfTheServerCostsItNoMoreThanSixteenRows) {
    add_paid("a", {0, 5});
    const auto outpoint = open_channel("a");
    std::uint64_t rows = 0;
    for (int life = 0; life < 5; ++life) {
        PaidPeer mean(world, "mean" + std::to_string(life), outpoint);
        ASSERT_TRUE(mean.open_paid("a", key_of("a"), price()));
        for (std::uint32_t position = 0; position < 16; ++position)
            mean.send(MessageKind::kPush, encode(mean.push(position, world.some_states(1, 1))));
        rows += world.servers.at("a").server->tokens_computed();
        world.servers.at("a").kill();
        tills.erase("a");
        add_paid("a", {0, 5});
    }
    EXPECT_EQ(rows, 16U);
}

TEST_F(PaidSessionTest, ACrashOfTheClientCostsItNoMoreThanSixteenRows) {
    add_paid("a", {0, 5});
    const auto outpoint = open_channel("a");
    std::uint64_t rows = 0;
    for (int life = 0; life < 5; ++life) {
        use_purse();
        FakeRemote layers(world, remote());
        ASSERT_TRUE(layers.start().ok());
        States states = world.some_states(3, 1);
        ASSERT_TRUE(layers.forward(states).ok());
        rows += 3;
    }
    EXPECT_LE(payer_record(outpoint).paid, (rows + 16) * price());
}

TEST_F(PaidSessionTest, AReorganisationThatTakesTheChannelEndsItsSessions) {
    Till& till = add_paid("a", {0, 5});
    const auto outpoint = open_channel("a");
    PaidPeer peer(world, "peer", outpoint);
    ASSERT_TRUE(peer.open_paid("a", key_of("a"), price()));
    const auto look = [&] {
        till.on_tip([&](const chain::OutPoint& lost, const std::string& why) {
            world.servers.at("a").server->end_unpaid(lost, why);
        });
        world.loop.run_for(10);
    };
    look();
    EXPECT_TRUE(peer.errors.empty());
    view.channels.erase(outpoint);
    look();
    ASSERT_EQ(peer.errors.size(), 1U);
    EXPECT_TRUE(has(peer.errors.back(), "the chain no longer has its channel"));
}

TEST_F(PaidSessionTest, AUsedUpChannelOrBudgetStopsBeforeAnythingIsOwed) {
    add_paid("a", {0, 5});
    const auto outpoint = open_channel("a", 10'000);  // 50 rows
    {
        FakeRemote layers(world, remote());
        ASSERT_TRUE(layers.start().ok());
        States states = world.some_states(49, 1);
        ASSERT_TRUE(layers.forward(states).ok());
        states = world.some_states(2, 2);
        const Status over = layers.forward(states);
        ASSERT_FALSE(over.ok());
        EXPECT_TRUE(has(over.error().message, "used up: open another")) << over.error().message;
        EXPECT_LE(payer_record(outpoint).counted, payer_record(outpoint).paid);
    }
    open_channel("a");
    purse_options.max_spent = 20 * price();
    use_purse();
    FakeRemote layers(world, remote());
    ASSERT_TRUE(layers.start().ok());
    States states = world.some_states(20, 1);
    ASSERT_TRUE(layers.forward(states).ok());
    states = world.some_states(1, 2);
    const Status over = layers.forward(states);
    ASSERT_FALSE(over.ok());
    EXPECT_TRUE(has(over.error().message, "is spent")) << over.error().message;
    EXPECT_EQ(purse->spent(), 20 * price());
}

TEST_F(PaidSessionTest, AnotherProgramsChannelIsNotUsed) {
    add_paid("a", {0, 5});
    const auto outpoint = open_channel("a");
    const auto taken = client_records.take(channel::Role::kPayer, outpoint);
    ASSERT_TRUE(taken.ok());
    EXPECT_TRUE(has(open_error(hop("a")), "another program uses channel"));
    open_channel("a");
    EXPECT_EQ(open_error(hop("a")), "");
}

TEST_F(PaidSessionTest, AChannelThatExpiresIsNotUsedBeforeANewOne) {
    add_paid("a", {0, 5});
    open_channel("a", 2 * kCapacity);
    view.tip = kExpiry - 24;
    EXPECT_TRUE(has(open_error(hop("a")), "expires at height"));
    const auto fresh = open_channel("a", kCapacity);
    channel::Record record = payer_record(fresh);
    record.terms.expiry = 2 * kExpiry;
    ASSERT_TRUE(client_records.forget(channel::Role::kPayer, fresh).ok());
    ASSERT_TRUE(client_records.put(record).ok());
    view.channels[fresh].output = channel::output_of(record.terms);
    use_purse();
    EXPECT_EQ(open_error(hop("a")), "") << "though the old one holds more";
}

TEST_F(PaidSessionTest, ARefusedChannelStandsBehindOthers) {
    add_paid("a", {0, 5});
    view.channels.erase(open_channel("a"));
    EXPECT_TRUE(has(open_error(hop("a")), "no such channel"));
    const auto fresh = open_channel("a");
    const channel::OnChain good = view.channels.at(fresh);
    view.channels[fresh] = {good.output, 96};
    EXPECT_TRUE(has(open_error(hop("a")), "5 blocks deep; 6 are needed"));
    view.channels[fresh] = good;
    // Each in its turn: the first might be there again.
    EXPECT_TRUE(has(open_error(hop("a")), "no such channel"));
    EXPECT_EQ(open_error(hop("a")), "");
}

TEST_F(PaidSessionTest, AStandbyIsPaidFromItsOwnChannelAndTakesOver) {
    add_paid("a", {0, 5});
    add_paid("b", {0, 5});
    open_channel("a");
    open_channel("b");
    const Text alone = write_alone(world, kPrompt, 40);
    RemoteOptions options = remote();
    options.standbys = 1;
    FakeRemote layers(world, options);
    ASSERT_TRUE(layers.start().ok());
    layers.before = [&](std::size_t call) {
        if (call != 20) return;
        for (const Hop& leading : layers.layers().route()) world.servers.at(leading.address).kill();
    };
    const Text text = write_text(world, layers, kPrompt, 40);
    EXPECT_EQ(text, alone) << text.error;
    EXPECT_EQ(layers.layers().failovers(), 1U);
    EXPECT_GT(tills.at("a")->earned(), 0U);
    EXPECT_GT(tills.at("b")->earned(), 0U);
}

TEST_F(PaidSessionTest, AnAuditIsPaidAndWhoCannotPayFindsNothing) {
    add_paid("a", {0, 5});
    const auto audit = [&] {
        const OpenRequest request{.model = world.snapshot.hash,
                                  .dim = world.snapshot.config.dim,
                                  .max_positions = 64,
                                  .hop = hop("a"),
                                  .ended = {}};
        std::optional<KeptSession> kept;
        SessionPlay play(*world.client, request,
                         {world.some_states(16, 1), world.some_states(3, 2)},
                         [&](KeptSession done) { kept = std::move(done); });
        play.start();
        EXPECT_TRUE(world.loop.run_until([&] { return kept.has_value(); }));
        return examine(*kept, world.snapshot, world.compute);
    };
    EXPECT_FALSE(audit().finding) << "no channel: that says nothing about the server";
    const auto outpoint = open_channel("a", 10'000 - 1);
    EXPECT_FALSE(audit().finding) << "a channel that is too small, or young, is the payer's affair";
    view.channels.erase(outpoint);
    ASSERT_TRUE(client_records.forget(channel::Role::kPayer, outpoint).ok());
    use_purse();
    open_channel("a");
    EXPECT_EQ(audit().finding, trust::Finding::kRight);
    EXPECT_GE(purse->spent(), 19 * price());
}

TEST_F(PaidSessionTest, ADiskThatKeepsNoVoucherEndsTheSession) {
    add_paid("a", {0, 5});
    PaidPeer peer(world, "peer", open_channel("a"));
    ASSERT_TRUE(peer.open_paid("a", key_of("a"), price()));
    disks.at("a")->set_full(true);
    peer.pay(3 * price());
    ASSERT_EQ(peer.errors.size(), 1U);
    EXPECT_TRUE(has(peer.errors.back(), "no space left"));
}

}  // namespace
}  // namespace cairn::serve
