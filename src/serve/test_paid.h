// For this room's tests alone: servers that are paid, and a client with channels to them.
#pragma once

#include <gtest/gtest.h>

#include "chain/test_objects.h"
#include "channel/payee_channel.h"
#include "serve/test_channels.h"
#include "serve/till.h"

namespace cairn::serve {

inline constexpr std::uint64_t kPrice = 40'000;  // of 1,000 rows through one layer
inline constexpr std::uint64_t kCapacity = 1'000'000;
inline constexpr std::uint32_t kExpiry = 500;
inline const Hash256 kGenesis = chain::filled<32>(7);

class PaidSessionTest : public ::testing::Test {
  protected:
    explicit PaidSessionTest(std::shared_ptr<const model::Model> model = small_model())
        : world(std::move(model)) {}

    TestWorld world;
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
                   std::uint64_t unpaid_ms = 10'000,
                   std::size_t max_channels = TillOptions{}.max_channels) {
        if (!disks.contains(address)) disks[address] = std::make_unique<MemoryDisk>();
        if (!world.servers.contains(address))
            world.servers.emplace(
                address, FakeServer{crypto::SecretKey::generate(world.random), nullptr, nullptr});
        tills[address] = std::make_unique<Till>(world.loop, view, *disks.at(address),
                                                TillOptions{.genesis_id = kGenesis,
                                                            .payee = key_of(address),
                                                            .price = kPrice,
                                                            .max_channels = max_channels});
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

}  // namespace cairn::serve
