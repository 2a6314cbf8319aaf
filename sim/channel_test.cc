// Proves that over random sessions, with both sides hostile in turn, crashes at any instant, full
// disks, lost vouchers and reorganisations, no coin appears or vanishes and nobody loses more than
// the price of 16 tokens, fees apart; and that a node ends its channels by itself.
//
//   CAIRN_CHANNEL_SESSIONS=100000 build/sim_test --gtest_filter=Channels.*      the slow tier
#include <algorithm>
#include <cstdlib>

#include "sim/channel_game.h"
#include "sim/paying.h"
#include "sim/scenario.h"

namespace cairn::sim {
namespace {

std::uint64_t wanted_sessions() {
    const char* const wanted = std::getenv("CAIRN_CHANNEL_SESSIONS");
    return wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 1'500;
}

TEST(Channels, NobodyLosesMoreThan16Tokens) {
    constexpr std::uint64_t kEach = 100;
    ChannelTotals totals;
    for (std::uint64_t seed = 1; totals.sessions < wanted_sessions(); ++seed) {
        ChannelGame(seed).play(kEach, totals);
        ASSERT_EQ(totals.failure, "") << "seed " << seed;
    }
    std::printf(
        "%llu sessions, %llu tokens, %llu vouchers, %llu refused; %llu crashes; %llu closes, %llu "
        "refunds, %llu thefts refused; %llu reorganisations, %llu of C blocks or more\n"
        "lost at most, in tokens: payer %.1f, payee %.1f; after deep reorganisations %.1f\n",
        static_cast<unsigned long long>(totals.sessions),
        static_cast<unsigned long long>(totals.tokens),
        static_cast<unsigned long long>(totals.vouchers),
        static_cast<unsigned long long>(totals.refused),
        static_cast<unsigned long long>(totals.crashes),
        static_cast<unsigned long long>(totals.closes),
        static_cast<unsigned long long>(totals.refunds),
        static_cast<unsigned long long>(totals.bad_payments),
        static_cast<unsigned long long>(totals.reorganisations),
        static_cast<unsigned long long>(totals.deep_reorganisations), totals.payer_lost,
        totals.payee_lost, totals.deep_lost);
    EXPECT_LE(totals.payer_lost, 16.0);
    EXPECT_LE(totals.payee_lost, 16.0);
    EXPECT_GT(totals.payee_lost, 0.0) << "some payer did cheat";
    EXPECT_GT(totals.closes, 0U);
    EXPECT_GT(totals.refunds, 0U);
    EXPECT_GT(totals.bad_payments, 0U);
}

/// Two nodes that mine; node 0 opens channels to node 1, which has a voucher for one of them.
class ChannelsOfNodes {
  public:
    explicit ChannelsOfNodes(std::uint64_t seed) : world(seed, scenario_name(), kit) {
        world.add_node({.channels = true});
        world.add_node({.connect = {0}, .channels = true});
    }
    /// Opens a channel that expires `blocks` after now, once node 0 has a coin for it.
    std::optional<channel::Record> open(std::uint32_t blocks, std::uint64_t amount) {
        std::optional<chain::Payment> payment;
        const crypto::PublicKey payer = crypto::public_key(world.key(0));
        const bool has = world.run_until(
            [&] {
                payment = make_payment(world, 0, payer, amount, 500);
                return payment && payment->outputs[0].amount == amount;
            },
            600'000);
        if (!has) return std::nullopt;
        const auto spent = world.ledger(0, [&](const consensus::Ledger& ledger) {
            return ledger.coins().find(payment->inputs[0])->output;
        });
        payment->outputs[0] = {amount, chain::OutputKind::kChannel, payer,
                               crypto::public_key(world.key(1)), world.height(0) + blocks};
        const Hash256 genesis = world.node(0).chain().genesis_id();
        payment->signatures = {crypto::sign(
            world.key(0), chain::signature_hash(genesis, *payment, {&spent, 1}), world.random())};
        world.node(0).submit_payment(chain::encode(*payment), [](const Result<Hash256>&) {});
        channel::Record record;
        record.genesis_id = genesis;
        record.terms = *channel::terms_of({chain::payment_id(*payment), 0}, payment->outputs[0]);
        channel::RecordStore(disk(0)).put(record).value();
        return record;
    }
    /// Opens that many channels, one after another, with what node 0's largest coin has.
    std::vector<channel::Record> open_many(std::size_t count, std::uint64_t amount,
                                           std::uint32_t expiry) {
        const crypto::PublicKey payer = crypto::public_key(world.key(0));
        const Hash256 genesis = world.node(0).chain().genesis_id();
        auto [outpoint, coin] = world.ledger(0, [&](const consensus::Ledger& ledger) {
            std::pair<chain::OutPoint, chain::Output> largest;
            for (const auto& [at, each] : ledger.coins().all())
                if (each.output.key == payer && each.output.amount > largest.second.amount)
                    largest = {at, each.output};
            return largest;
        });
        std::vector<channel::Record> opened;
        while (opened.size() < count && coin.amount > amount + 500) {
            chain::Payment payment;
            payment.inputs = {outpoint};
            payment.outputs = {{amount, chain::OutputKind::kChannel, payer,
                                crypto::public_key(world.key(1)), expiry},
                               {coin.amount - amount - 500, chain::OutputKind::kKey, payer}};
            payment.signatures = {crypto::sign(
                world.key(0), chain::signature_hash(genesis, payment, {&coin, 1}), world.random())};
            channel::Record record;
            record.genesis_id = genesis;
            record.terms = *channel::terms_of({chain::payment_id(payment), 0}, payment.outputs[0]);
            const auto submit = [&] {
                world.node(0).submit_payment(chain::encode(payment), [](const Result<Hash256>&) {});
                return is_open(record);
            };
            if (!world.run_until(submit, 120'000)) break;
            opened.push_back(record);
            outpoint = {record.terms.outpoint.id, 1};
            coin = payment.outputs[1];
        }
        return opened;
    }
    /// Node 1 has this voucher on its disk.
    void give_voucher(channel::Record record, std::uint64_t amount) {
        record.role = channel::Role::kPayee;
        record.paid = amount;
        record.signature = crypto::sign(
            world.key(0), chain::voucher_hash(record.genesis_id, record.terms.outpoint, amount),
            world.random());
        channel::RecordStore(disk(1)).put(record).value();
    }
    bool has_voucher(const channel::Record& record) {
        return channel::RecordStore(disk(1))
            .find(channel::Role::kPayee, record.terms.outpoint)
            .ok();
    }
    Disk& disk(int number) {
        auto& made = disks_[static_cast<std::size_t>(number)];
        if (!made) made = std::make_unique<PosixDisk>(world.directory(number));
        return *made;
    }
    bool is_open(const channel::Record& record) {
        return world.ledger(1, [&](const consensus::Ledger& ledger) {
            return ledger.coins().find(record.terms.outpoint) != nullptr;
        });
    }
    /// The form of the payment that spent it.
    std::optional<chain::PaymentForm> ended_by(const channel::Record& record) {
        for (std::uint32_t height = 1; height <= world.height(1); ++height) {
            const chain::Block block = world.block_at(1, height).value();
            for (const chain::Payment& payment : block.payments)
                if (payment.inputs[0] == record.terms.outpoint) return payment.form;
        }
        return std::nullopt;
    }

    FakeModelKit kit;
    World world;

  private:
    std::array<std::unique_ptr<Disk>, 2> disks_;
};

TEST(Channels, ANodeClosesBeforeTheExpiryAndTakesBackAfterIt) {
    ChannelsOfNodes two(1);
    const auto paid = two.open(40, 50'000);
    ASSERT_TRUE(paid) << two.world.replay_line();
    ASSERT_TRUE(two.world.run_until([&] { return two.is_open(*paid); }, 120'000));
    two.give_voucher(*paid, 20'000);
    const auto unpaid = two.open(30, 50'000);
    ASSERT_TRUE(unpaid) << two.world.replay_line();
    ASSERT_TRUE(two.world.run_until([&] { return two.is_open(*unpaid); }, 120'000));
    // A node that is killed when it should act acts after its next start.
    two.world.kill(1);
    two.world.run_ms(5'000);
    two.world.start(1);
    ASSERT_TRUE(two.world.run_until(
        [&] {
            return two.world.agreed(unpaid->terms.expiry + 4) && !two.is_open(*paid) &&
                   !two.is_open(*unpaid);
        },
        900'000))
        << two.world.replay_line();
    EXPECT_EQ(two.ended_by(*paid), chain::PaymentForm::kClose);
    EXPECT_EQ(two.ended_by(*unpaid), chain::PaymentForm::kPlain);
    EXPECT_EQ(two.world.failure(), "") << two.world.replay_line();
}

// Vouchers that are worth no more than a closing fee are tried again after every block. Those of a
// payer who opened 32 such channels stood before his large one, which was never closed.
TEST(Channels, VouchersThatAreWorthNothingKeepNoCloseOut) {
    constexpr std::uint32_t kExpiry = 250;
    ChannelsOfNodes two(3);
    ASSERT_TRUE(two.world.run_until([&] { return two.world.height(1) >= 40; }, 600'000));
    std::vector<channel::Record> channels = two.open_many(33, 1'000, kExpiry);
    ASSERT_EQ(channels.size(), 33U) << two.world.replay_line();
    ASSERT_LT(two.world.height(1), kExpiry - 30);
    std::ranges::sort(channels, {}, [](const auto& record) { return record.terms.outpoint; });
    const channel::Record large = channels.back();
    for (const channel::Record& each : channels) two.give_voucher(each, each == large ? 900 : 200);
    ASSERT_TRUE(two.world.run_until([&] { return two.world.agreed(kExpiry + 4); }, 900'000))
        << two.world.replay_line();
    EXPECT_EQ(two.ended_by(large), chain::PaymentForm::kClose) << two.world.replay_line();
    EXPECT_EQ(two.world.failure(), "") << two.world.replay_line();
}

// A node reads the chain from its beginning, and the channel lies far ahead: not there yet is not
// gone.
TEST(Channels, ANodeKeepsTheVoucherOfAChannelThatItHasNotSeen) {
    ChannelsOfNodes two(2);
    ASSERT_TRUE(two.world.run_until([&] { return two.world.height(1) >= 2; }, 120'000));
    channel::Record record;
    record.genesis_id = two.world.node(1).chain().genesis_id();
    record.terms.outpoint = {two.world.random().hash256(), 0};
    record.terms.payer = crypto::public_key(two.world.key(0));
    record.terms.payee = crypto::public_key(two.world.key(1));
    record.terms.capacity = 50'000;
    record.terms.expiry = 2'000;
    two.give_voucher(record, 20'000);
    const std::uint32_t end = two.world.height(1) + 210;
    ASSERT_TRUE(two.world.run_until([&] { return two.world.height(1) >= end; }, 4'000'000))
        << two.world.replay_line();
    EXPECT_TRUE(two.has_voucher(record));
}

}  // namespace
}  // namespace cairn::sim
