// Proves that neither end of a channel ever loses more than 16 tokens' price, whatever the other
// says, withholds or repeats and however often it crashes; and that every bad voucher and channel
// is refused in words.
#include <gtest/gtest.h>

#include "chain/test_objects.h"
#include "channel/payee_channel.h"
#include "channel/payer_channel.h"
#include "channel/settle.h"

namespace cairn::channel {
namespace {

constexpr std::uint64_t kPrice = 100;

class ChannelTest : public ::testing::Test {
  protected:
    Record payer_record() const {
        Record record;
        record.role = Role::kPayer;
        record.genesis_id = genesis;
        record.terms = {outpoint, chain::test_key(1), chain::test_key(2), 100'000, 500};
        return record;
    }
    Record payee_record() {
        return admit(genesis, outpoint, {output_of(payer_record().terms), 10}, chain::test_key(2),
                     100, policy)
            .value();
    }
    PayerChannel payer() {
        const auto stored = payer_store.find(Role::kPayer, outpoint);
        PayerChannel channel(payer_store, stored.ok() ? *stored : payer_record(),
                             chain::test_secret(1), random);
        channel.set_price(kPrice);
        return channel;
    }
    /// As after a start: from disk, if it was ever written.
    PayeeChannel payee() {
        const auto stored = payee_store.find(Role::kPayee, outpoint);
        PayeeChannel channel(payee_store, stored.ok() ? *stored : payee_record());
        channel.set_price(kPrice);
        return channel;
    }
    chain::Voucher voucher(std::uint64_t amount, std::uint8_t by = 1) {
        return {genesis, outpoint, amount,
                crypto::sign(chain::test_secret(by), chain::voucher_hash(genesis, outpoint, amount),
                             random)};
    }
    std::string refusal(PayeeChannel& channel, const chain::Voucher& offered,
                        std::uint32_t tip = 100) {
        const auto taken = channel.accept(offered, tip, policy);
        return taken.ok() ? "" : taken.error().message;
    }

    const Hash256 genesis = chain::filled<32>(7);
    const chain::OutPoint outpoint{chain::filled<32>(8), 0};
    MemoryDisk payer_disk, payee_disk;
    RecordStore payer_store{payer_disk}, payee_store{payee_disk};
    Policy policy;
    SeededRandom random{3};
};

TEST_F(ChannelTest, VouchersGrowAndAreKeptBeforeTheyAreTold) {
    PayerChannel from = payer();
    PayeeChannel to = payee();
    for (std::uint64_t token = 1; token <= 40; ++token) {
        ASSERT_TRUE(to.deliver(kPrice).ok()) << token;
        from.received(kPrice);
        EXPECT_EQ(from.is_due(), token % 16 == 0) << token;
        if (!from.is_due()) continue;
        const auto paid = from.pay();
        ASSERT_TRUE(paid.ok());
        EXPECT_EQ(to.accept(*paid, 100, policy).value(), 16 * kPrice);
        EXPECT_EQ(payee_store.find(Role::kPayee, outpoint)->paid, paid->amount);
        EXPECT_EQ(payer_store.find(Role::kPayer, outpoint)->paid, paid->amount);
    }
    EXPECT_EQ(to.paid(), 32 * kPrice);
    EXPECT_EQ(from.unpaid(), 8 * kPrice);
    EXPECT_EQ(to.credit(), 8 * kPrice);
}

TEST_F(ChannelTest, NothingIsTakenThatCouldNotBeKept) {
    PayerChannel from = payer();
    PayeeChannel to = payee();
    ASSERT_TRUE(to.deliver(kPrice).ok());
    from.received(kPrice);
    payer_disk.set_full(true);
    EXPECT_FALSE(from.pay().ok());
    EXPECT_EQ(from.paid(), 0U) << "what is not on disk is not paid";
    payer_disk.set_full(false);
    const chain::Voucher paid = from.pay().value();
    payee_disk.set_full(true);
    EXPECT_FALSE(to.accept(paid, 100, policy).ok());
    EXPECT_EQ(to.paid(), 0U);
    EXPECT_TRUE(to.deliver(kPrice).ok()) << "the bound for 16 tokens was written before";
    payee_disk.set_full(false);
    EXPECT_EQ(to.accept(paid, 100, policy).value(), kPrice);
    EXPECT_EQ(to.accept(paid, 100, policy).value(), 0U) << "again, for a lost answer";
}

TEST_F(ChannelTest, BadVouchersAreRefusedInWords) {
    PayeeChannel to = payee();
    ASSERT_TRUE(to.accept(voucher(800), 100, policy).ok());
    EXPECT_EQ(refusal(to, voucher(500)),
              "the voucher is for 0.000005, and there is a later one for 0.000008");
    EXPECT_EQ(refusal(to, voucher(100'001)),
              "the voucher is for 0.00100001, and the channel holds only 0.001");
    EXPECT_EQ(refusal(to, voucher(900, 5)), "the voucher is not signed by the channel's payer");
    chain::Voucher other = voucher(900);
    other.genesis_id = chain::filled<32>(9);
    EXPECT_EQ(refusal(to, other), "the voucher is of another network");
    other = voucher(900);
    other.channel.index = 1;
    EXPECT_EQ(refusal(to, other),
              "the voucher is of channel 080808080808:1, not of 080808080808:0");
    other = voucher(900);
    other.amount = 901;
    EXPECT_EQ(refusal(to, other), "the voucher is not signed by the channel's payer");
    EXPECT_EQ(refusal(to, voucher(900), 475), "") << "the last height at which one is taken";
    EXPECT_EQ(refusal(to, voucher(950), 476),
              "no voucher is taken any more: the channel expires at height 500");
    EXPECT_EQ(to.paid(), 900U);
}

TEST_F(ChannelTest, ChannelsThatAreNotSafeAreRefusedInWords) {
    const auto why = [&](OnChain channel, std::uint8_t me, std::uint32_t tip) {
        const auto taken = admit(genesis, outpoint, channel, chain::test_key(me), tip, policy);
        return taken.ok() ? "" : taken.error().message;
    };
    const chain::Output good = output_of(payer_record().terms);
    EXPECT_EQ(why({good, 100}, 2, 105), "");
    EXPECT_EQ(why({good, 100}, 2, 104), "the channel is 5 blocks deep; 6 are needed");
    EXPECT_EQ(why({good, 100}, 2, 99), "the channel is 0 blocks deep; 6 are needed");
    EXPECT_EQ(why({good, 100}, 1, 105), "the channel pays somebody else");
    EXPECT_EQ(why({good, 100}, 2, 476),
              "the channel expires at height 500, which is less than 24 blocks away");
    chain::Output small = good;
    small.amount = 9'999;
    EXPECT_EQ(why({small, 100}, 2, 105), "the channel holds 0.00009999 coins; 0.0001 is the least");
    chain::Output everlasting = good;
    everlasting.expiry = 105 + 1'000'000;
    EXPECT_EQ(why({everlasting, 100}, 2, 105), "");
    ++everlasting.expiry;
    EXPECT_EQ(why({everlasting, 100}, 2, 105),
              "the channel expires at height 1000106, which is more than 1000000 blocks away");
    small.amount = 10'000;
    EXPECT_EQ(why({small, 100}, 2, 105), "");
    chain::Output no_channel = good;
    no_channel.kind = chain::OutputKind::kKey;
    EXPECT_EQ(why({no_channel, 100}, 2, 105), chain::outpoint_text(outpoint) + " is no channel");
}

TEST(HeightByNow, ANodeThatWasOffKnowsThatItsTipIsOld) {
    constexpr std::uint64_t kSpacing = 2'000, kThen = 1'000'000'000, kHour = 3'600'000;
    const ChainSeen seen{1'000, kThen, 1'001};
    EXPECT_EQ(height_by_now(seen, kSpacing, kThen), 1'001U) << "its headers say so";
    EXPECT_EQ(height_by_now(seen, kSpacing, kThen - kHour), 1'001U) << "a clock that is slow";
    EXPECT_EQ(height_by_now(seen, kSpacing, kThen + 60'000), 1'001U) << "blocks may be late";
    EXPECT_EQ(height_by_now(seen, 600'000, kThen + kHour), 1'001U);
    EXPECT_EQ(height_by_now(seen, kSpacing, kThen + kHour), 1'000U + 1'800 + 112);
    EXPECT_EQ(height_by_now({1'000, kThen, 9'000}, kSpacing, kThen + kHour), 9'000U);
    EXPECT_EQ(height_by_now({1'000, 0, 0}, 100, ~std::uint64_t{0}), ~std::uint32_t{0});
}

TEST_F(ChannelTest, APayerWhoStopsPayingGets16TokensForEver) {
    PayeeChannel to = payee();
    int given = 0;
    for (int session = 0; session < 5; ++session) {
        to.set_price(kPrice);
        while (to.deliver(kPrice).ok()) ++given;
        ASSERT_TRUE(to.end_session().ok());
        to = payee();
    }
    EXPECT_EQ(given, 16);
    EXPECT_EQ(to.deliver(kPrice).error().message,
              "more than the price of 16 tokens would be unpaid: a voucher for 0.000001 or more is "
              "needed");
    ASSERT_TRUE(to.accept(voucher(kPrice), 100, policy).ok());
    EXPECT_TRUE(to.deliver(kPrice).ok());
    EXPECT_FALSE(to.deliver(kPrice).ok());
}

TEST_F(ChannelTest, ACrashOfThePayeeForgivesNothing) {
    int given = 0;
    for (int crash = 0; crash < 20; ++crash) {
        PayeeChannel to = payee();
        if (to.deliver(kPrice).ok()) ++given;
    }
    EXPECT_EQ(given, 1) << "what may have gone out counts as if it had";
    // An honest payer, who got one token for which he pays, goes on from there.
    PayerChannel from = payer();
    from.received(kPrice);
    PayeeChannel to = payee();
    ASSERT_TRUE(to.accept(from.pay().value(), 100, policy).ok());
    EXPECT_TRUE(to.deliver(kPrice).ok());
}

TEST_F(ChannelTest, APayerPaysNoFurtherAheadThan16Tokens) {
    PayerChannel from = payer();
    EXPECT_NE(from.pay(16 * kPrice + 1).error().message.find("is not paid ahead"),
              std::string::npos);
    EXPECT_EQ(from.pay(16 * kPrice)->amount, 16 * kPrice);
    EXPECT_FALSE(from.pay(16 * kPrice).ok()) << "nothing came: no more";
    PayerChannel again = payer();  // a crash does not make him forget
    EXPECT_FALSE(again.pay(16 * kPrice).ok());
    again.received(kPrice);
    EXPECT_EQ(again.pay(16 * kPrice)->amount, 17 * kPrice);
}

TEST_F(ChannelTest, AChannelIsUsedUpAtWhatItHolds) {
    PayerChannel from = payer();
    PayeeChannel to = payee();
    from.received(99'990);
    ASSERT_TRUE(to.accept(from.pay().value(), 100, policy).ok());
    ASSERT_TRUE(to.deliver(99'990).ok());
    EXPECT_EQ(to.deliver(kPrice).error().code, ErrorCode::kFull);
    ASSERT_TRUE(to.deliver(10).ok());
    from.received(kPrice);
    EXPECT_EQ(from.pay()->amount, 100'000U);
    EXPECT_EQ(from.pay().error().code, ErrorCode::kFull);
}

TEST_F(ChannelTest, PricesOfStrangersDoNotOverflow) {
    PayerChannel from = payer();
    PayeeChannel to = payee();
    const std::uint64_t huge = ~std::uint64_t{0};
    to.set_price(huge);
    from.set_price(huge);
    EXPECT_EQ(to.credit(), 100'000U);
    EXPECT_EQ(to.deliver(huge).error().code, ErrorCode::kFull);
    from.received(huge);
    from.received(huge);
    EXPECT_EQ(from.pay(huge)->amount, 100'000U) << "never more than the channel holds";
}

TEST_F(ChannelTest, RecordsSurviveAndTheBetterVoucherStays) {
    Record record = payee_record();
    record.note = "bob's machine";
    record.paid = 700;
    record.signature = voucher(700).signature;
    ASSERT_TRUE(payee_store.put(record).ok());
    Record worse = record;
    worse.paid = 300;
    worse.signature = voucher(300).signature;
    worse.note.clear();
    ASSERT_TRUE(payee_store.put(worse).ok());
    EXPECT_EQ(payee_store.find(Role::kPayee, outpoint).value(), record);
    EXPECT_EQ(payee_store.list().records, std::vector<Record>{record});
    const std::string file = "channels/" + payee_disk.list("channels").at(0);
    const Bytes good = payee_disk.read(file, kMaxRecordBytes).value();
    for (std::size_t bit = 0; bit < 8 * good.size(); bit += 7) {
        payee_disk.flip_bit(file, bit);
        EXPECT_FALSE(payee_store.find(Role::kPayee, outpoint).ok()) << bit;
        payee_disk.flip_bit(file, bit);
    }
    payee_disk.flip_bit(file, 100);
    EXPECT_EQ(payee_store.list().damaged, std::vector<std::string>{file});
    for (std::size_t size = 0; size < good.size(); ++size)
        EXPECT_FALSE(decode_record(ByteView(good).first(size)).ok());
    ASSERT_TRUE(payee_store.forget(Role::kPayee, outpoint).ok());
    EXPECT_EQ(payee_store.find(Role::kPayee, outpoint).error().code, ErrorCode::kNotFound);
}

// A file that says more than a channel can, or what another file should say, is money to nobody.
TEST_F(ChannelTest, ARecordThatCannotBeIsRefused) {
    Record record = payer_record();
    record.paid = record.terms.capacity;
    EXPECT_EQ(decode_record(encode(record)).value(), record);
    ++record.paid;
    EXPECT_EQ(decode_record(encode(record)).error().message,
              "a record pays more than its channel has");
    ASSERT_TRUE(payer_store.put(payer_record()).ok());
    const std::string file = "channels/" + payer_disk.list("channels").at(0);
    for (const bool other_role : {false, true}) {
        Record other = payer_record();
        if (other_role)
            other.role = Role::kPayee;
        else
            other.terms.outpoint.index = 1;
        ASSERT_TRUE(payer_disk.write_atomic(file, encode(other)).ok());
        EXPECT_EQ(payer_store.find(Role::kPayer, outpoint).error().message,
                  "a channel's record lies under the name of another");
    }
}

TEST_F(ChannelTest, AVoucherByHandIsWithinTheChannel) {
    Record record = payer_record();
    const auto sign = [&](std::uint64_t amount) {
        return sign_voucher(payer_store, record, chain::test_secret(1), amount, random);
    };
    EXPECT_NE(sign(100'001).error().message.find("would be worth nothing"), std::string::npos);
    EXPECT_EQ(record.paid, 0U);
    EXPECT_FALSE(payer_store.find(Role::kPayer, outpoint).ok()) << "and is not kept";
    EXPECT_EQ(sign(100'000)->amount, 100'000U);
    EXPECT_NE(sign(100'000).error().message.find("adds nothing"), std::string::npos);
}

// `wallet channel accept` and `close` beside a server that serves by the channel.
TEST_F(ChannelTest, AVoucherTakenByHandLeavesTheServersCount) {
    PayeeChannel server = payee();
    ASSERT_TRUE(server.reserve(kPrice).ok());
    PayeeChannel hand(payee_store, payee_store.find(Role::kPayee, outpoint).value());
    ASSERT_TRUE(server.reserve(16 * kPrice).ok());  // since the hand has read the record
    const auto counted = [&] { return payee_store.find(Role::kPayee, outpoint)->counted; };
    ASSERT_EQ(counted(), 16 * kPrice);
    ASSERT_TRUE(hand.accept(voucher(500), 100, policy).ok());
    EXPECT_EQ(counted(), 16 * kPrice);
    EXPECT_EQ(payee_store.find(Role::kPayee, outpoint)->paid, 500U);
    PayeeChannel closer(payee_store, payee_store.find(Role::kPayee, outpoint).value());
    ASSERT_TRUE(server.end_session().ok());
    ASSERT_EQ(counted(), 0U);
    EXPECT_TRUE(closer.begin_closing()->closing);
    EXPECT_EQ(counted(), 0U) << "what never went out is not counted again";
}

TEST_F(ChannelTest, StrangersFillNoDisk) {
    RecordStore small(payee_disk, "channels", 3);
    Record record = payee_record();
    for (std::uint32_t i = 0; i < 3; ++i) {
        record.terms.outpoint.index = i;
        ASSERT_TRUE(small.put(record).ok());
    }
    record.terms.outpoint.index = 3;
    EXPECT_EQ(small.put(record).error().code, ErrorCode::kFull);
    record.terms.outpoint.index = 1;
    EXPECT_TRUE(small.put(record).ok()) << "a better voucher for one that is there";
}

TEST_F(ChannelTest, WhoClosesGivesAndTakesNothingMore) {
    PayeeChannel serving = payee();
    ASSERT_TRUE(serving.accept(voucher(800), 100, policy).ok());
    PayeeChannel other = payee();  // the command line, say, on the same disk
    EXPECT_EQ(other.begin_closing()->paid, 800U);
    EXPECT_EQ(refusal(other, voucher(900)), "the channel is being closed: another one is needed");
    EXPECT_FALSE(other.deliver(kPrice).ok());
    // Whoever serves meanwhile notices with his next write, which is 16 tokens away at most.
    int given = 0;
    while (given < 100 && serving.deliver(kPrice).ok()) ++given;
    EXPECT_LE(given, 8 + 16) << "eight are paid by the voucher that is closed with";
    EXPECT_EQ(payee().deliver(kPrice).error().message,
              "the channel is being closed: another one is needed");
}

TEST_F(ChannelTest, AVoucherThatComesAfterTheCloseBuysNothing) {
    PayeeChannel to = payee();
    ASSERT_TRUE(to.accept(voucher(kPrice), 100, policy).ok());
    // The node's keeper closes with what is on disk, while a session goes on.
    Record closing = payee_store.find(Role::kPayee, outpoint).value();
    closing.closing = true;
    const Record closed_with = payee_store.put(closing).value();
    EXPECT_EQ(closed_with.paid, kPrice);
    EXPECT_NE(refusal(to, voucher(100'000)).find("is being closed"), std::string::npos);
    std::uint64_t given = 0;
    while (to.deliver(kPrice).ok()) given += kPrice;
    EXPECT_LE(given, closed_with.paid + 16 * kPrice);
}

TEST_F(ChannelTest, EachEndActsInItsTime) {
    Record mine = payee_record();
    EXPECT_EQ(due(mine, 490, policy), Due::kNothing) << "no voucher";
    mine.paid = 50'000;
    EXPECT_EQ(due(mine, 475, policy), Due::kNothing);
    EXPECT_EQ(due(mine, 476, policy), Due::kClose);
    EXPECT_EQ(due(mine, 499, policy), Due::kClose);
    EXPECT_EQ(due(mine, 500, policy), Due::kNothing) << "too late";
    EXPECT_EQ(due(payer_record(), 500, policy), Due::kNothing);
    EXPECT_EQ(due(payer_record(), 501, policy), Due::kRefund);
    // The fee rises while the close is kept out, to half of what there is to save.
    EXPECT_EQ(closing_rate(mine, 1, 400, policy), 1U);
    EXPECT_EQ(closing_rate(mine, 1, 478, policy), 1U);
    EXPECT_EQ(closing_rate(mine, 1, 479, policy), 2U);
    EXPECT_EQ(closing_rate(mine, 1, 499, policy), 50'000U / 2 / settling_bytes(mine));
    EXPECT_EQ(closing_rate(mine, 1'000, 476, policy), 50'000U / 10 / settling_bytes(mine))
        << "whoever fills pools with high fees does not make others pay them at once";
    EXPECT_EQ(refund_rate(payer_record(), 1'000), 100'000U / 20 / settling_bytes(payer_record()));
    EXPECT_EQ(refund_rate(payer_record(), 3), 3U);
    mine.paid = 1;
    EXPECT_EQ(closing_rate(mine, 9, 499, policy), 1U);
}

TEST_F(ChannelTest, ThePaymentsThatEndAChannelHaveTheirSizeAndSum) {
    Record mine = payee_record();
    EXPECT_EQ(close_payment(mine, chain::test_secret(2), 0, random).error().message,
              "no voucher has come for this channel: nothing to close with");
    for (const std::uint64_t paid : {std::uint64_t{900}, std::uint64_t{100'000}}) {
        mine.paid = paid;
        mine.signature = voucher(paid).signature;
        const auto payment = close_payment(mine, chain::test_secret(2), 5, random);
        ASSERT_TRUE(payment.ok());
        EXPECT_EQ(chain::encode(*payment).size(), settling_bytes(mine));
        EXPECT_EQ(payment->outputs[0].amount, paid - 5);
        EXPECT_EQ(payment->outputs.size(), paid == 900 ? 2U : 1U);
    }
    mine.paid = 5;
    EXPECT_EQ(close_payment(mine, chain::test_secret(2), 5, random).error().code,
              ErrorCode::kRefused)
        << "dust";
    const auto back = refund_payment(payer_record(), chain::test_secret(1), 7, random);
    EXPECT_EQ(chain::encode(*back).size(), settling_bytes(payer_record()));
    EXPECT_EQ(back->outputs[0].amount, 100'000U - 7);
    EXPECT_FALSE(refund_payment(payer_record(), chain::test_secret(1), 100'000, random).ok());
}

}  // namespace
}  // namespace cairn::channel
