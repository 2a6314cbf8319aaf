// Proves what the till holds against who knows its source: closes and reorganisations that race
// with vouchers, floods of openings, records that fill a folder, standbys that compute nothing, and
// that honest ends which crash or write short texts do not come apart.
#include <gtest/gtest.h>

#include "serve/test_paid.h"

namespace cairn::serve {
namespace {

// A node's keeper closes with the voucher that is on disk, a block before the sessions end.
TEST_F(PaidSessionTest, AVoucherAfterTheCloseBuysNoRows) {
    add_paid("a", {0, 5});
    PaidPeer mean(world, "mean", open_channel("a"));
    ASSERT_TRUE(mean.open_paid("a", key_of("a"), price()));
    mean.pay(price());
    channel::Record closing = payee_record("a", mean.outpoint);
    closing.closing = true;
    ASSERT_EQ(channel::RecordStore(*disks.at("a")).put(closing)->paid, price());
    mean.pay(kCapacity);
    for (std::uint32_t push = 0; push < 4; ++push)
        mean.send(MessageKind::kPush, encode(mean.push(push * 16, world.some_states(16, 1))));
    EXPECT_LE(world.servers.at("a").server->tokens_computed(), 1U + 16);
    ASSERT_FALSE(mean.errors.empty());
    EXPECT_TRUE(has(mean.errors.front(), "unpaid: the channel is being closed"));
}

// On the chain of a server that was off, channels are open that expired meanwhile. Whoever had
// taken his back was served for as long as the server read blocks.
TEST_F(PaidSessionTest, AServerThatIsBehindTakesNothingFromChannelsThatMayHaveExpired) {
    add_paid("a", {0, 5});
    PaidPeer peer(world, "peer", open_channel("a"));
    view.missing = kExpiry - view.tip;
    EXPECT_FALSE(peer.open_paid("a", key_of("a"), price()));
    ASSERT_FALSE(peer.errors.empty());
    EXPECT_TRUE(has(peer.errors.back(), "expires")) << peer.errors.back();
    view.missing = 0;
    ASSERT_TRUE(peer.open_paid("a", key_of("a"), price()));
    peer.errors.clear();
    // Nor where blocks are kept from it while it serves.
    view.missing = kExpiry - view.tip;
    peer.pay(kCapacity);
    ASSERT_FALSE(peer.errors.empty());
    EXPECT_TRUE(has(peer.errors.back(), "expires")) << peer.errors.back();
    EXPECT_EQ(tills.at("a")->earned(), 0U);
}

// A server names its price, and is paid for 16 rows before it computes one: at a price that nobody
// looked at, that was all that the channel held.
TEST_F(PaidSessionTest, APriceThatNobodyLookedAtTakesASmallPartOfTheChannelAhead) {
    add_paid("a", {0, 5});
    purse_options.least_rows = 160;
    use_purse();
    const auto small = open_channel("a", 160 * price() - 1);
    EXPECT_TRUE(has(open_error(hop("a")), "does not hold the price of 160"))
        << open_error(hop("a"));
    EXPECT_EQ(payer_record(small).paid, 0U) << "nothing was given";
    use_purse();
    ASSERT_TRUE(client_records.forget(channel::Role::kPayer, small).ok());
    open_channel("a", 160 * price());
    EXPECT_EQ(open_error(hop("a")), "");
}

TEST_F(PaidSessionTest, NoMoreChannelsAreInUseAtOnceThanItKeepsBooksOf) {
    add_paid("a", {0, 5}, 10'000, 1);
    const auto first = open_channel("a"), second = open_channel("a");
    PaidPeer one(world, "one", first), again(world, "again", first), other(world, "other", second);
    ASSERT_TRUE(one.open_paid("a", key_of("a"), price()));
    EXPECT_TRUE(again.open_paid("a", key_of("a"), price())) << "a channel that is in use already";
    EXPECT_FALSE(other.open_paid("a", key_of("a"), price()));
    ASSERT_FALSE(other.errors.empty());
    EXPECT_TRUE(has(other.errors.back(), "too many channels are in use"));
    for (PaidPeer* each : {&one, &again})
        each->send(MessageKind::kClose, encode_session_id(each->terms.session));
    EXPECT_TRUE(other.open_paid("a", key_of("a"), price())) << "there is room again";
}

TEST_F(PaidSessionTest, AVoucherSignedByHandMeanwhileDoesNotLiftTheBudget) {
    add_paid("a", {0, 5});
    const auto outpoint = open_channel("a");
    purse_options.max_spent = 20 * price();
    use_purse();
    FakeRemote layers(world, remote());
    ASSERT_TRUE(layers.start().ok());
    channel::Record by_hand = payer_record(outpoint);
    ASSERT_TRUE(channel::sign_voucher(client_records, by_hand, chain::test_secret(1), 40 * price(),
                                      world.random)
                    .ok());
    Status over = ok_status();
    for (int push = 0; push < 8 && over.ok(); ++push) {
        States states = world.some_states(10, 1);
        over = layers.forward(states);
    }
    ASSERT_FALSE(over.ok());
    EXPECT_TRUE(has(over.error().message, "is spent")) << over.error().message;
    EXPECT_EQ(payer_record(outpoint).paid, 40 * price());
}

// What was computed and lost on its way is owed there and did not come here. Up to 16 rows of it
// are in nobody's way; of more the client says what to do.
TEST_F(PaidSessionTest, RowsThatWereLostOnTheirWayDoNotEndAChannel) {
    add_paid("a", {0, 5});
    const auto outpoint = open_channel("a");
    const auto come = [&](std::size_t rows) {
        FakeRemote layers(world, remote());
        if (const Status started = layers.start(); !started.ok()) return started;
        States states = world.some_states(rows, 1);
        return layers.forward(states);
    };
    const auto lose = [&](std::size_t rows) {
        FakeRemote layers(world, remote());
        ASSERT_TRUE(layers.start().ok());
        world.servers.at("a").network->swallow = MessageKind::kResult;
        layers.layers().forward(world.some_states(rows, 2), [](const Result<States>&) {});
        world.loop.run_for(50);
        layers.layers().cancel();
        world.loop.run_for(50);
        world.servers.at("a").network->swallow.reset();
    };
    ASSERT_TRUE(come(52).ok());
    lose(16);
    EXPECT_EQ(payee_record("a", outpoint).counted, (52 + 16) * price());
    for (const std::size_t rows : {48U, 5U, 20U, 1U, 16U}) {
        const Status came = come(rows);
        EXPECT_TRUE(came.ok()) << rows << " rows: " << came.error().message;
    }
    const channel::Record record = payer_record(outpoint);
    EXPECT_LE(record.paid, record.counted + 16 * price());
    lose(16);
    EXPECT_TRUE(has(come(48).error().message, "lost on their way"));
    EXPECT_TRUE(has(come(1).error().message, "no channel of yours pays this server"));
    open_channel("a");
    EXPECT_TRUE(come(48).ok()) << "the same program, by another channel";
}

// Of each session the latest voucher that comes while one is written is kept for afterwards, and so
// comes behind a later one of another session on the channel.
TEST_F(PaidSessionTest, SessionsOfOneChannelMayOvertakeEachOther) {
    Till& till = add_paid("a", {0, 5});
    PaidPeer one(world, "one", open_channel("a"));
    PaidPeer other(world, "other", one.outpoint);
    ASSERT_TRUE(one.open_paid("a", key_of("a"), price()));
    ASSERT_TRUE(other.open_paid("a", key_of("a"), price()));
    world.loop.hold_work(true);
    one.pay(price());
    one.pay(2 * price());
    other.pay(3 * price());
    world.loop.hold_work(false);
    world.loop.run_for(10);
    EXPECT_TRUE(one.errors.empty()) << one.errors.back();
    EXPECT_TRUE(other.errors.empty()) << other.errors.back();
    EXPECT_EQ(till.earned(), 3 * price());
    EXPECT_TRUE(one.computes(0, 16));
}

// What came since the last voucher is worth remembering, for the server remembers it, too.
TEST_F(PaidSessionTest, AClientOfManyShortTextsIsServedAsLongAsItPays) {
    add_paid("a", {0, 5});
    const auto outpoint = open_channel("a");
    for (int life = 0; life < 12; ++life) {
        use_purse();
        FakeRemote layers(world, remote());
        ASSERT_TRUE(layers.start().ok());
        States states = world.some_states(6, 1);
        const Status came = layers.forward(states);
        ASSERT_TRUE(came.ok()) << "life " << life << ": " << came.error().message;
    }
    world.loop.run_for(10);
    EXPECT_EQ(tills.at("a")->earned(), payer_record(outpoint).paid);
}

TEST_F(PaidSessionTest, AVoucherThatCameIsKeptThoughTheSessionIsOver) {
    Till& till = add_paid("a", {0, 5});
    PaidPeer peer(world, "peer", open_channel("a"));
    ASSERT_TRUE(peer.open_paid("a", key_of("a"), price()));
    world.loop.hold_work(true);
    peer.pay(price());
    peer.pay(2 * price());
    peer.send(MessageKind::kClose, encode_session_id(peer.terms.session));
    world.loop.hold_work(false);
    world.loop.run_for(10);
    EXPECT_EQ(till.earned(), 2 * price());
    EXPECT_EQ(payee_record("a", peer.outpoint).paid, 2 * price());
}

TEST_F(PaidSessionTest, AnHonestClientIsServedAfterCrashesOfTheServer) {
    add_paid("a", {0, 5});
    const auto outpoint = open_channel("a");
    for (int life = 0; life < 4; ++life) {
        {
            FakeRemote layers(world, remote());
            const Status started = layers.start();
            ASSERT_TRUE(started.ok()) << "life " << life << ": " << started.error().message;
            for (const std::size_t rows : {16U, 3U, 1U, 16U}) {
                States states = world.some_states(rows, 1);
                const Status came = layers.forward(states);
                ASSERT_TRUE(came.ok()) << "life " << life << ": " << came.error().message;
            }
            world.servers.at("a").kill();
            tills.erase("a");
            world.loop.run_for(100);
        }
        add_paid("a", {0, 5});
    }
    EXPECT_LE(payer_record(outpoint).paid, (4 * 36 + 16) * price());
}

// Its voucher is here; that the disk takes its time is not the client's fault.
TEST_F(PaidSessionTest, AVoucherThatWaitsForTheDiskIsNoUnpaidRow) {
    add_paid("a", {0, 5}, 5'000);
    PaidPeer peer(world, "peer", open_channel("a"));
    ASSERT_TRUE(peer.open_paid("a", key_of("a"), price()));
    ASSERT_TRUE(peer.computes(0, 16));
    world.loop.hold_work(true);
    peer.send(MessageKind::kPush, encode(peer.push(16, world.some_states(1, 1))));
    peer.pay(17 * price());
    world.loop.run_for(8'000);
    EXPECT_TRUE(peer.errors.empty()) << peer.errors.back();
    world.loop.hold_work(false);
    world.loop.run_for(10);
    EXPECT_EQ(world.servers.at("a").server->tokens_computed(), 17U);
    // But words that pay nothing gain no time.
    ASSERT_TRUE(peer.computes(17, 15));
    peer.send(MessageKind::kPush, encode(peer.push(32, world.some_states(2, 1))));
    for (int second = 0; second < 8 && peer.errors.empty(); ++second) {
        peer.pay(17 * price());
        world.loop.run_for(1'000);
    }
    ASSERT_EQ(peer.errors.size(), 1U);
    EXPECT_TRUE(has(peer.errors.back(), "unpaid: no voucher came"));
}

TEST_F(PaidSessionTest, WhoHasPaidMayWaitForWhatIsComputedForOthers) {
    add_paid("a", {0, 5}, 5'000);
    PaidPeer peer(world, "peer", open_channel("a")), other(world, "other", open_channel("a"));
    ASSERT_TRUE(peer.open_paid("a", key_of("a"), price()));
    ASSERT_TRUE(other.open_paid("a", key_of("a"), price()));
    ASSERT_TRUE(peer.computes(0, 16));
    peer.send(MessageKind::kPush, encode(peer.push(16, world.some_states(1, 1))));
    world.loop.hold_lane(Lane::kLayers);
    other.send(MessageKind::kPush, encode(other.push(0, world.some_states(1, 1))));
    peer.pay(17 * price());
    world.loop.run_for(8'000);
    EXPECT_TRUE(peer.errors.empty()) << peer.errors.back();
    world.loop.release_lane(Lane::kLayers);
    world.loop.run_for(10);
    EXPECT_EQ(world.servers.at("a").server->tokens_computed(), 18U);
}

TEST_F(PaidSessionTest, ATipThatComesWhileTheLastIsLookedAtIsLookedAt) {
    Till& till = add_paid("a", {0, 5});
    PaidPeer peer(world, "peer", open_channel("a"));
    ASSERT_TRUE(peer.open_paid("a", key_of("a"), price()));
    const auto lost = [&](const chain::OutPoint& channel, const std::string& why) {
        world.servers.at("a").server->end_unpaid(channel, why);
    };
    till.on_tip(lost);
    view.channels.clear();  // the blocks of a reorganisation follow each other at once
    till.on_tip(lost);
    world.loop.run_for(10);
    ASSERT_EQ(peer.errors.size(), 1U);
    EXPECT_TRUE(has(peer.errors.back(), "the chain no longer has its channel"));
}

TEST_F(PaidSessionTest, AnAnswerOfAnOlderTipOpensNothing) {
    Till& till = add_paid("a", {0, 5});
    PaidPeer peer(world, "peer", open_channel("a"));
    std::optional<Status> opened;
    const SessionTerms terms{
        .session = world.random.hash256(), .model = world.snapshot.hash, .max_positions = 64};
    SessionPayment payment{peer.outpoint, price(), {}};
    payment.signature =
        crypto::sign(chain::test_secret(1),
                     payment_message(terms, {0, 5}, key_of("a"), kGenesis, payment), world.random);
    till.open(terms, {0, 5}, payment, [&](Status status) { opened = std::move(status); });
    view.channels.clear();
    till.on_tip([](const chain::OutPoint&, const std::string&) {});
    world.loop.run_for(10);
    ASSERT_TRUE(opened.has_value());
    EXPECT_FALSE(opened->ok());
}

// Waits at the chain's lane cannot be multiplied by new links, nor be kept from others.
TEST_F(PaidSessionTest, OpeningsAreDividedBetweenPartsOfTheNetwork) {
    add_paid("a", {0, 5});
    const auto outpoint = open_channel("a");
    view.held = true;
    std::vector<std::unique_ptr<PaidPeer>> flood;
    for (int i = 0; i < 100; ++i) {
        auto& peer = *flood.emplace_back(
            std::make_unique<PaidPeer>(world, "flood" + std::to_string(i), outpoint));
        peer.network.group = "flood";
        peer.open_paid("a", key_of("a"), price());
        if (i % 2 == 0) peer.network.disconnect(peer.peer);
    }
    EXPECT_LE(view.waiting(), 64U);
    PaidPeer honest(world, "honest", outpoint);
    honest.network.group = "other";
    honest.open_paid("a", key_of("a"), price());
    EXPECT_TRUE(honest.errors.empty()) << honest.errors.back();
    view.held = false;
    view.answer();
    world.loop.run_for(10);
    ASSERT_FALSE(honest.got.empty());
    EXPECT_EQ(honest.got.back().first, MessageKind::kOpened);
}

// Four thousand channels in which nothing was ever computed would otherwise fill the folder.
TEST_F(PaidSessionTest, AChannelInWhichNothingWasComputedLeavesNoRecord) {
    add_paid("a", {0, 5});
    PaidPeer peer(world, "peer", open_channel("a"));
    ASSERT_TRUE(peer.open_paid("a", key_of("a"), price()));
    peer.send(MessageKind::kClose, encode_session_id(peer.terms.session));
    world.loop.run_for(10);
    const channel::RecordStore records(*disks.at("a"));
    EXPECT_TRUE(records.list().records.empty());
    ASSERT_TRUE(peer.open_paid("a", key_of("a"), price()));
    ASSERT_TRUE(peer.computes(0, 1));
    peer.send(MessageKind::kClose, encode_session_id(peer.terms.session));
    EXPECT_EQ(payee_record("a", peer.outpoint).counted, price()) << "this is owed";
}

// Of what is computed again nobody sees the states, so nothing but the leader's says whether it
// was computed at all.
TEST_F(PaidSessionTest, AStandbyThatComputesNothingIsPaidNoMoreThanSixteenRows) {
    add_paid("a", {0, 5});
    add_paid("b", {0, 5});
    const auto to_a = open_channel("a");
    const auto to_b = open_channel("b");
    RemoteOptions options = remote();
    options.standbys = 1;
    // It must sign for the terms that it was given.
    std::map<Hash256, SessionTerms> terms;
    world.client_network.tamper = [&](MessageKind kind, Bytes& body) {
        if (kind != MessageKind::kOpenSession) return;
        const OpenSession asked = decode_open_session(body).value();
        terms[asked.terms.session] = asked.terms;
    };
    FakeRemote layers(world, options);
    ASSERT_TRUE(layers.start().ok());
    const std::string leads = layers.layers().route().front().address;
    const std::string lazy = leads == "a" ? "b" : "a";
    world.servers.at(lazy).network->tamper = [&](MessageKind kind, Bytes& body) {
        if (kind != MessageKind::kResult) return;
        PushResult result = decode_result(body).value();
        const auto& server = world.servers.at(lazy);
        result.receipt.output = world.random.hash256();
        result.receipt.signature = crypto::sign(
            server.secret, receipt_message(terms.at(result.push.session), result.receipt),
            world.random);
        body = encode(result);
    };
    for (int push = 0; push < 5; ++push) {
        States states = world.some_states(16, 1);
        ASSERT_TRUE(layers.forward(states).ok());
        world.loop.run_for(100);
    }
    EXPECT_LE(payer_record(lazy == "a" ? to_a : to_b).paid, 16 * price());
}

}  // namespace
}  // namespace cairn::serve
