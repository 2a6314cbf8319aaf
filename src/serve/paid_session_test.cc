// Proves that sessions are paid as S42 says: a text over paid servers is the same to the bit, at no
// time is either side more than the price of 16 rows ahead, whoever does not pay, pays too little,
// pays from another's channel or repeats an old voucher is refused in words, and neither a crash
// nor a reorganisation costs more.
#include <gtest/gtest.h>

#include "chain/test_objects.h"
#include "channel/payee_channel.h"
#include "serve/kept_session.h"
#include "serve/test_channels.h"
#include "serve/test_text.h"
#include "serve/till.h"

namespace cairn::serve {
namespace {

constexpr std::uint64_t kPrice = 40'000;  // of 1,000 rows through one layer
constexpr std::uint64_t kCapacity = 1'000'000;
constexpr std::uint32_t kExpiry = 500;
const Hash256 kGenesis = chain::filled<32>(7);

class PaidSessionTest : public ::testing::Test {
  protected:
    TestWorld world{small_model()};
    FakeChannels view{world.loop};
    MemoryDisk client_disk;
    channel::RecordStore client_records{client_disk};
    std::map<std::string, std::unique_ptr<MemoryDisk>> disks;
    std::map<std::string, std::unique_ptr<Till>> tills;
    PurseOptions purse_options{.genesis_id = kGenesis};
    std::unique_ptr<Purse> purse;
    std::uint8_t next_channel = 1;

    void SetUp() override { use_purse(); }

    void use_purse() {
        purse.reset();
        purse = std::make_unique<Purse>(
            client_disk, world.random, purse_options,
            [](const crypto::PublicKey& key) -> std::optional<crypto::SecretKey> {
                if (key == chain::test_key(1)) return chain::test_secret(1);
                return std::nullopt;
            });
        world.client->sessions().set_purse(purse.get());
    }
    Till& add_paid(const std::string& address, model::LayerRange layers,
                   std::uint64_t unpaid_ms = 10'000) {
        if (!disks.contains(address)) disks[address] = std::make_unique<MemoryDisk>();
        if (!world.servers.contains(address))
            world.servers.emplace(
                address, FakeServer{crypto::SecretKey::generate(world.random), nullptr, nullptr});
        tills[address] = std::make_unique<Till>(world.loop, view, *disks.at(address),
                                                TillOptions{kGenesis, key_of(address), kPrice});
        world.add_server(address, layers,
                         {.unpaid_ms = unpaid_ms, .till = tills.at(address).get()});
        return *tills.at(address);
    }
    crypto::PublicKey key_of(const std::string& address) {
        return crypto::public_key(world.servers.at(address).secret);
    }
    /// A channel of the client's to the server, on the chain and on the client's disk.
    chain::OutPoint open_channel(const std::string& address, std::uint64_t capacity = kCapacity,
                                 std::uint8_t payer = 1) {
        const chain::OutPoint outpoint{chain::filled<32>(next_channel++), 0};
        channel::Record record;
        record.role = channel::Role::kPayer;
        record.genesis_id = kGenesis;
        record.terms = {outpoint, chain::test_key(payer), key_of(address), capacity, kExpiry};
        EXPECT_TRUE(client_records.put(record).ok());
        view.channels[outpoint] = {channel::output_of(record.terms), 10};
        return outpoint;
    }
    Hop hop(const std::string& address, model::LayerRange layers = {0, 5}) {
        return {layers, key_of(address), address, kPrice, kGenesis};
    }
    RemoteOptions remote() {
        RemoteOptions options;
        options.servers = world.addresses();
        options.max_positions = 100;
        return options;
    }
    channel::Record payer_record(const chain::OutPoint& outpoint) {
        return client_records.find(channel::Role::kPayer, outpoint).value();
    }
    channel::Record payee_record(const std::string& address, const chain::OutPoint& outpoint) {
        return channel::RecordStore(*disks.at(address))
            .find(channel::Role::kPayee, outpoint)
            .value();
    }
    std::string open_error(const Hop& where) {
        const auto opened = world.open({where}, 64);
        const auto* failure = std::get_if<Failure>(&opened);
        return failure == nullptr ? "" : failure->error.message;
    }
    static bool has(const std::string& text, const std::string& words) {
        return text.find(words) != std::string::npos;
    }
    std::uint64_t price(model::LayerRange layers = {0, 5}) { return row_price(kPrice, layers); }
};

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

/// Opens a paid session and sends what it likes.
struct PaidPeer : RawPeer {
    chain::OutPoint outpoint;

    PaidPeer(TestWorld& w, const std::string& name, const chain::OutPoint& from)
        : RawPeer(w, name), outpoint(from) {}
    bool open_paid(const std::string& address, const crypto::PublicKey& server, std::uint64_t row,
                   model::LayerRange layers = {0, 5}) {
        if (peer == 0) network.connect(address);
        world.loop.run_for(10);
        terms = {
            .session = world.random.hash256(), .model = world.snapshot.hash, .max_positions = 100};
        OpenSession message{terms, layers, SessionPayment{outpoint, row, {}}};
        message.payment->signature = crypto::sign(
            chain::test_secret(1),
            payment_message(terms, layers, server, kGenesis, *message.payment), world.random);
        send(MessageKind::kOpenSession, encode(message));
        return !got.empty() && got.back().first == MessageKind::kOpened;
    }
    void pay(std::uint64_t amount, std::uint8_t signer = 1) {
        send(MessageKind::kVoucher,
             encode(VoucherGiven{
                 terms.session, amount,
                 crypto::sign(chain::test_secret(signer),
                              chain::voucher_hash(kGenesis, outpoint, amount), world.random)}));
    }
};

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
    EXPECT_TRUE(has(refusal([&](PaidPeer& peer) { peer.pay(9 * price()); }), "a later one"));
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

TEST_F(PaidSessionTest, AnotherProgramsChannelIsNotUsed) {
    add_paid("a", {0, 5});
    const auto outpoint = open_channel("a");
    const auto taken = client_records.take(channel::Role::kPayer, outpoint);
    ASSERT_TRUE(taken.ok());
    EXPECT_TRUE(has(open_error(hop("a")), "another program uses channel"));
    open_channel("a");
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
    EXPECT_EQ(audit().finding, trust::Finding::kUnanswered) << "the server takes no such channel";
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
