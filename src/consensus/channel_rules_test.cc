// Proves the channel's part of C3: below its expiry the payee alone takes what a voucher gives him
// and the payer gets the rest; from the expiry on the payer alone takes it back; whatever is wrong
// is refused with its reason, and no coin appears or vanishes, also across a reorganisation.
#include <gtest/gtest.h>

#include "chain/voucher.h"
#include "consensus/test_chain.h"

namespace cairn::consensus {
namespace {

using chain::Output;
using chain::OutputKind;
using chain::Payment;

class ChannelRules : public ::testing::Test {
  protected:
    static constexpr std::uint64_t kCapacity = 10'000;

    ChannelRules() : coin_(chain.earn(alice)) {
        expiry = chain.next_height() + 4;
        opening = chain.pay(alice, coin_, bob.key, kCapacity, 7);
        opening.outputs[0] = {kCapacity, OutputKind::kChannel, alice.key, bob.key, expiry};
        chain.resign(opening, alice);
        channel = {chain::payment_id(opening), 0};
    }
    chain::Block mine(const std::vector<Payment>& payments) {
        Candidates candidates;
        candidates.payments.assign(payments.begin(), payments.end());
        return chain.mine(miner, candidates);
    }
    void open() { ASSERT_EQ(mine({opening}).payments.size(), 1U); }
    crypto::Signature voucher(const Person& by, std::uint64_t amount) {
        return crypto::sign(by.secret,
                            chain::voucher_hash(chain.ledger.genesis_id(), channel, amount),
                            chain.random);
    }
    /// The payee's signature, after a payment was changed.
    void sign_close(Payment& payment, const Person& by) {
        const std::vector<Output> spent{opening.outputs[0]};
        payment.signatures[1] = crypto::sign(
            by.secret, chain::signature_hash(chain.ledger.genesis_id(), payment, spent),
            chain.random);
    }
    Payment close(std::uint64_t amount, std::uint64_t fee) {
        Payment payment;
        payment.form = chain::PaymentForm::kClose;
        payment.inputs = {channel};
        payment.outputs = {{amount - fee, OutputKind::kKey, bob.key}};
        if (amount < kCapacity)
            payment.outputs.push_back({kCapacity - amount, OutputKind::kKey, alice.key});
        payment.signatures = {voucher(alice, amount), {}};
        sign_close(payment, bob);
        return payment;
    }
    Payment refund(const Person& by, std::uint64_t fee) {
        Payment payment;
        payment.inputs = {channel};
        payment.outputs = {{kCapacity - fee, OutputKind::kKey, by.key}};
        chain.resign(payment, by);
        return payment;
    }
    /// Refused by the pool, and in a block.
    void refused(const Payment& payment, const std::string& reason) {
        EXPECT_NE(chain.ledger.check_next(payment).reason().find(reason), std::string::npos)
            << "expected: " << reason
            << "\n     got: " << chain.ledger.check_next(payment).reason();
        const Bytes before = chain.ledger.save();
        chain::Block block = chain.assemble({}, miner);
        block.payments = {payment};
        chain.seal(block);
        EXPECT_EQ(chain.connect(block).rule(), Rule::kC3) << reason;
        EXPECT_EQ(chain.ledger.save(), before);
    }
    std::uint64_t owned(const Person& person) const {
        std::uint64_t sum = 0;
        for (const auto& [outpoint, coin] : chain.ledger.coins().all())
            if (coin.output.kind == OutputKind::kKey && coin.output.key == person.key)
                sum += coin.output.amount;
        return sum;
    }
    std::uint64_t all_coins() const {
        std::uint64_t sum = 0;
        for (const auto& [outpoint, coin] : chain.ledger.coins().all()) sum += coin.output.amount;
        return sum;
    }

    TestChain chain;
    Person miner{1}, alice{2}, bob{3};
    std::uint32_t expiry = 0;
    Payment opening;
    chain::OutPoint channel;

  private:
    chain::OutPoint coin_;
};

TEST_F(ChannelRules, ACloseGivesThePayeeTheVoucherAndThePayerTheRest) {
    open();
    const std::uint64_t all = all_coins();
    const std::uint64_t payer = owned(alice), payee = owned(bob), fees = owned(miner);
    EXPECT_EQ(mine({close(900, 10)}).payments.size(), 1U);
    EXPECT_EQ(owned(bob), payee + 890);
    EXPECT_EQ(owned(alice), payer + kCapacity - 900);
    EXPECT_EQ(owned(miner), fees + 10);
    EXPECT_EQ(all_coins(), all);
    refused(close(900, 10), "does not exist or is spent");
}

TEST_F(ChannelRules, AVoucherOverAllLeavesThePayerNothing) {
    open();
    const Payment payment = close(kCapacity, 1);
    EXPECT_EQ(payment.outputs.size(), 1U);
    EXPECT_EQ(mine({payment}).payments.size(), 1U);
    EXPECT_EQ(owned(bob), kCapacity - 1);
}

TEST_F(ChannelRules, AVoucherNeedsThePayerAndTheCloseThePayee) {
    open();
    Payment payment = close(900, 10);
    payment.signatures[0] = voucher(bob, 900);
    refused(payment, "closes a channel at 900, for which its payer signed no voucher");
    payment = close(900, 10);
    sign_close(payment, alice);
    refused(payment, "closes a channel without its payee");
    // Anybody who saw the voucher, the payer with an old one above all, would need the payee.
    std::swap(payment.signatures[0], payment.signatures[1]);
    refused(payment, "its payer signed no voucher");
}

TEST_F(ChannelRules, AVoucherIsForOneAmountChannelAndNetwork) {
    open();
    Payment payment = close(900, 10);
    payment.outputs[0].amount += 1;
    payment.outputs[1].amount -= 1;  // 901, of which no voucher speaks
    sign_close(payment, bob);
    refused(payment, "at 901, for which its payer signed no voucher");
    payment = close(900, 10);
    payment.outputs[1].amount += 1;  // less than the voucher: it is for 900 alone
    sign_close(payment, bob);
    refused(payment, "at 899, for which its payer signed no voucher");
    payment = close(900, 10);
    payment.signatures[0] = crypto::sign(
        alice.secret,
        chain::voucher_hash(chain.ledger.genesis_id(), {channel.id, channel.index + 1}, 900),
        chain.random);
    refused(payment, "its payer signed no voucher");
    payment.signatures[0] = crypto::sign(
        alice.secret, chain::voucher_hash(chain::filled<32>(9), channel, 900), chain.random);
    refused(payment, "its payer signed no voucher");
}

TEST_F(ChannelRules, TheOutputsOfACloseAreForced) {
    open();
    Payment payment = close(900, 10);
    payment.outputs[0].key = miner.key;
    sign_close(payment, bob);
    refused(payment, "first output must be its payee's");
    payment = close(900, 10);
    payment.outputs[1].key = bob.key;
    sign_close(payment, bob);
    refused(payment, "second output must be its payer's");
    payment = close(900, 10);
    std::swap(payment.outputs[0], payment.outputs[1]);
    sign_close(payment, bob);
    refused(payment, "first output must be its payee's");
    payment = close(900, 10);
    payment.outputs[1] = {kCapacity - 900, OutputKind::kChannel, alice.key, bob.key, 99};
    sign_close(payment, bob);
    refused(payment, "second output must be its payer's");
    payment = close(900, 10);
    payment.outputs[0] = {890, OutputKind::kChannel, bob.key, bob.key, 99};
    sign_close(payment, bob);
    refused(payment, "first output must be its payee's");
    payment = close(900, 10);
    payment.outputs[0].amount = 901;
    sign_close(payment, bob);
    refused(payment, "makes more than it spends");
    payment = close(900, 10);
    payment.outputs[1].amount = chain::kMaxAmount - 1;
    sign_close(payment, bob);
    refused(payment, "makes more than it spends");
}

TEST_F(ChannelRules, ACloseHasOneInputAndThatIsAChannel) {
    open();
    Payment payment = close(900, 10);
    payment.inputs = {{channel.id, 1}};  // alice's change
    refused(payment, "closes what is no channel");
    payment.inputs = {channel, {channel.id, 1}};
    EXPECT_EQ(chain.ledger.check_next(payment).rule(), Rule::kC2);
    payment = close(900, 10);
    payment.signatures.pop_back();
    EXPECT_EQ(chain.ledger.check_next(payment).rule(), Rule::kC2);
}

TEST_F(ChannelRules, ThePayeeHasTheTimeBelowTheExpiryAndThePayerTheRest) {
    open();
    const Payment early = refund(alice, 5);
    refused(early, "before its expiry, height " + std::to_string(expiry));
    while (chain.next_height() + 1 < expiry) mine({});
    EXPECT_EQ(chain.next_height(), expiry - 1);
    refused(early, "before its expiry");
    const Payment late = close(900, 10);
    EXPECT_TRUE(chain.ledger.check_next(late).is_valid()) << "the last block for a close";
    mine({});
    refused(late, "closes a channel that expired at height " + std::to_string(expiry));
    refused(refund(bob, 5), "not by the coin's owner");
    EXPECT_TRUE(chain.ledger.check_next(early).is_valid()) << "the first block for a refund";
    const std::uint64_t payer = owned(alice), all = all_coins();
    EXPECT_EQ(mine({late, early}).payments.size(), 1U);
    EXPECT_EQ(owned(alice), payer + kCapacity - 5);
    EXPECT_EQ(all_coins(), all);
}

TEST_F(ChannelRules, OneBlockDoesNotSpendAChannelTwice) {
    open();
    for (const auto& other : {close(900, 11), close(500, 10)}) {
        chain::Block block = chain.assemble({}, miner);
        block.payments = {close(900, 10), other};
        chain::sort_body(block);
        chain.seal(block);
        const Verdict verdict = chain.connect(block);
        EXPECT_NE(verdict.reason().find("spend the same coin"), std::string::npos)
            << verdict.reason();
    }
    const chain::Block block = mine({close(500, 10), close(900, 11)});
    ASSERT_EQ(block.payments.size(), 1U);
    EXPECT_EQ(block.payments[0].outputs[0].amount, 889U) << "a miner takes the higher fee";
}

TEST_F(ChannelRules, AChannelIsNotClosedInTheBlockThatOpensIt) {
    Payment payment;
    payment.form = chain::PaymentForm::kClose;
    payment.inputs = {channel};
    payment.outputs = {{kCapacity, OutputKind::kKey, bob.key}};
    payment.signatures = {voucher(alice, kCapacity), {}};
    refused(payment, "does not exist or is spent");
}

TEST_F(ChannelRules, RefundsGoTogetherWithOtherCoins) {
    open();
    while (chain.next_height() < expiry) mine({});
    Payment payment = refund(alice, 5);
    const chain::OutPoint change{channel.id, 1};
    payment.inputs = {channel, change};
    payment.outputs[0].amount += chain.ledger.coins().find(change)->output.amount;
    chain.resign(payment, alice);
    EXPECT_EQ(mine({payment}).payments.size(), 1U);
}

TEST_F(ChannelRules, AnExpiryBehindUsIsAChannelThatNobodyCanClose) {
    opening.outputs[0].expiry = 0;
    chain.resign(opening, alice);
    channel.id = chain::payment_id(opening);
    open();
    refused(close(900, 10), "expired at height 0");
    EXPECT_EQ(mine({refund(alice, 5)}).payments.size(), 1U);
}

TEST_F(ChannelRules, ReorganisationsTakeChannelsBackExactly) {
    const Bytes before = chain.ledger.save();
    open();
    const Bytes opened = chain.ledger.save();
    const Payment payment = close(900, 10);
    mine({payment});
    const Bytes closed = chain.ledger.save();
    const std::vector<chain::Block> blocks = chain.blocks;
    chain.disconnect();
    EXPECT_EQ(chain.ledger.save(), opened);
    chain.disconnect();
    EXPECT_EQ(chain.ledger.save(), before);
    // The channel was funded on a branch that is gone: nothing can be done with it here.
    EXPECT_NE(chain.ledger.check_next(payment).reason().find("does not exist"), std::string::npos);
    // Its payer may have spent the coin elsewhere meanwhile; here the same opening comes again, and
    // with it the same channel, whose vouchers are good as they were.
    mine({});
    open();
    EXPECT_EQ(mine({payment}).payments.size(), 1U);
    for (int i = 0; i < 3; ++i) chain.disconnect();
    for (std::size_t i = blocks.size() - 2; i < blocks.size(); ++i)
        ASSERT_TRUE(chain.connect(blocks[i]).is_valid());
    EXPECT_EQ(chain.ledger.save(), closed);
}

TEST_F(ChannelRules, TheCoinsHashKnowsEveryFieldOfAChannel) {
    CoinSet plain;
    const Output output{kCapacity, OutputKind::kChannel, alice.key, bob.key, 9};
    plain.add(channel, {output, 3, false});
    for (int field = 0; field < 3; ++field) {
        Output other = output;
        if (field == 0) other.key = miner.key;
        if (field == 1) other.payee = miner.key;
        if (field == 2) other.expiry += 1;
        CoinSet changed;
        changed.add(channel, {other, 3, false});
        EXPECT_NE(changed.root(), plain.root());
    }
}

}  // namespace
}  // namespace cairn::consensus
