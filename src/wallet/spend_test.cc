// Proves that payments balance to the unit, that their signatures are what the rules ask for, that
// coins are chosen sparingly, and that what cannot be paid is refused with figures.
#include "wallet/spend.h"

#include <gtest/gtest.h>

#include "chain/test_objects.h"
#include "wallet/words.h"

namespace cairn::wallet {
namespace {

class SpendTest : public testing::Test {
  protected:
    OwnCoin coin(std::uint64_t amount, std::size_t key = 0) {
        return {{random.hash256(), 0}, {amount, chain::OutputKind::kKey, wallet.keys().at(key)}};
    }
    /// The rule of consensus/payment_rules: sorted inputs, each signed by the owner of what it
    /// spends over the signature hash; returns the fee, or -1 if a rule is broken.
    std::int64_t check(const chain::Payment& payment, const std::vector<OwnCoin>& coins) {
        std::vector<chain::Output> spent;
        std::int64_t fee = 0;
        for (std::size_t i = 0; i < payment.inputs.size(); ++i) {
            if (i > 0 && !(payment.inputs[i - 1] < payment.inputs[i])) return -1;
            for (const OwnCoin& own : coins)
                if (own.outpoint == payment.inputs[i]) spent.push_back(own.output);
            if (spent.size() != i + 1) return -1;
            fee += static_cast<std::int64_t>(spent.back().amount);
        }
        for (const chain::Output& output : payment.outputs) {
            if (output.amount == 0) return -1;
            fee -= static_cast<std::int64_t>(output.amount);
        }
        const Hash256 message = chain::signature_hash(genesis, payment, spent);
        for (std::size_t i = 0; i < spent.size(); ++i)
            if (!crypto::verify(spent[i].key, message, payment.signatures.at(i))) return -1;
        return fee;
    }
    Result<chain::Payment> pay(const std::vector<OwnCoin>& coins, std::uint64_t amount,
                               std::uint64_t fee) {
        return make_payment(wallet, genesis, coins, {to, amount, fee},
                            wallet.key(Chain::kChange, 0), random);
    }
    static Wallet make_wallet(Disk& disk, Random& random) {
        auto made = Wallet::create(disk, "w", "pw", Words{new_entropy(12, random), {}}, random, {},
                                   crypto::kKeystoreCheapest);
        CHECK(made.ok());
        for (int i = 0; i < 3; ++i) CHECK(made->fresh_key(random).ok());
        return std::move(*made);
    }

    SeededRandom random{11};
    MemoryDisk disk;
    Wallet wallet = make_wallet(disk, random);
    Hash256 genesis = random.hash256();
    crypto::PublicKey to = crypto::public_key(crypto::SecretKey::generate(random));
};

TEST_F(SpendTest, OpensAChannelWhosePayerIsTheChangeKey) {
    std::vector<OwnCoin> coins{coin(100'000, 0)};
    PaymentOrder order{to, 60'000, 0, 700};
    ASSERT_TRUE(choose_coins_at_rate(coins, 2, order).ok());
    const crypto::PublicKey payer = wallet.key(Chain::kChange, 0);
    const auto payment = make_payment(wallet, genesis, coins, order, payer, random);
    ASSERT_TRUE(payment.ok());
    EXPECT_EQ(check(*payment, coins), static_cast<std::int64_t>(order.fee));
    EXPECT_EQ(order.fee, 2 * chain::encode(*payment).size());
    const chain::Output channel{60'000, chain::OutputKind::kChannel, payer, to, 700};
    EXPECT_EQ(payment->outputs[0], channel);
    // What opens or closes a channel is not replaced, nor are coins in one spent.
    EXPECT_EQ(waiting_payment(wallet, *payment, order.fee, coins).error().code,
              ErrorCode::kRefused);
    OwnCoin locked = coins[0];
    locked.output = channel;
    EXPECT_FALSE(choose_coins({locked}, 1).ok());
    EXPECT_EQ(balance_of({locked}).spendable, 0U);
}

TEST_F(SpendTest, PaysWithChangeAndFee) {
    const std::vector<OwnCoin> coins{coin(10, 0), coin(50, 2), coin(30, 3)};
    const auto payment = pay(coins, 70, 2);
    ASSERT_TRUE(payment.ok());
    EXPECT_EQ(payment->inputs.size(), 2u) << "the two largest are enough";
    ASSERT_EQ(payment->outputs.size(), 2u);
    EXPECT_EQ(payment->outputs[0].amount, 70u);
    EXPECT_EQ(payment->outputs[0].key, to);
    EXPECT_EQ(payment->outputs[1].amount, 8u);
    EXPECT_EQ(payment->outputs[1].key, wallet.key(Chain::kChange, 0));
    EXPECT_EQ(check(*payment, coins), 2);
    EXPECT_EQ(chain::decode_payment(chain::encode(*payment)).value(), *payment);
    genesis = random.hash256();
    EXPECT_EQ(check(*payment, coins), -1) << "good on one network only";
}

TEST_F(SpendTest, AFeeForEachByteGrowsWithTheCoins) {
    std::vector<OwnCoin> coins(10, coin(1'000));
    for (std::uint32_t i = 0; i < coins.size(); ++i) coins[i].outpoint.index = i;
    PaymentOrder order{to, 2'500, 0};
    const auto chosen = choose_coins_at_rate(coins, 1, order);
    ASSERT_TRUE(chosen.ok());
    EXPECT_EQ(order.fee, chain::payment_bytes(chosen->size(), 2));
    const auto payment =
        make_payment(wallet, genesis, *chosen, order, wallet.key(Chain::kChange, 0), random);
    ASSERT_TRUE(payment.ok());
    EXPECT_GE(order.fee, chain::encode(*payment).size());
    // The coins that the fee needs ask for more fee, so it ends here or never.
    order.amount = 9'000;
    EXPECT_FALSE(choose_coins_at_rate(coins, 1, order).ok());
}

TEST_F(SpendTest, NothingLeftMeansNoChange) {
    const std::vector<OwnCoin> coins{coin(40), coin(60)};
    const auto payment = pay(coins, 99, 1);
    ASSERT_TRUE(payment.ok());
    EXPECT_EQ(payment->outputs.size(), 1u);
    EXPECT_EQ(check(*payment, coins), 1);
}

TEST_F(SpendTest, RandomPaymentsBalance) {
    for (int round = 0; round < 40; ++round) {
        std::vector<OwnCoin> coins;
        std::uint64_t total = 0;
        const std::size_t count = 1 + random.below(30);
        for (std::size_t i = 0; i < count; ++i) {
            const std::uint64_t amount = 1 + random.below(1'000);
            coins.push_back(coin(amount, random.below(4)));
            total += coins.back().output.amount;
        }
        const std::uint64_t fee = random.below(total);
        const std::uint64_t amount = 1 + random.below(total - fee);
        const auto payment = pay(coins, amount, fee);
        ASSERT_TRUE(payment.ok()) << payment.error().message;
        EXPECT_EQ(check(*payment, coins), static_cast<std::int64_t>(fee));
    }
}

TEST_F(SpendTest, NotEnoughIsSaidWithFigures) {
    std::vector<OwnCoin> coins{coin(10), coin(20), coin(500)};
    coins[2].mature = false;
    const auto payment = pay(coins, 31, 5);
    ASSERT_FALSE(payment.ok());
    EXPECT_EQ(payment.error().code, ErrorCode::kRefused);
    EXPECT_EQ(payment.error().message,
              "not enough coins: 0.00000036 needed (fee included), 0.0000003 there, and 0.000005 "
              "more when they have matured");
    EXPECT_EQ(balance_of(coins).spendable, 30u);
    EXPECT_EQ(balance_of(coins).maturing, 500u);
    EXPECT_FALSE(pay({}, 1, 0).ok());
}

TEST_F(SpendTest, CoinsOfPaymentsInThePoolAreLeftAlone) {
    std::vector<OwnCoin> coins{coin(10), coin(20), coin(500), coin(7)};
    coins[1].spent = true;
    coins[2].pending = true;
    EXPECT_EQ(balance_of(coins).spendable, 17u);
    EXPECT_EQ(balance_of(coins).pending, 500u);
    const auto chosen = choose_coins(coins, 12);
    ASSERT_TRUE(chosen.ok());
    for (const OwnCoin& coin : *chosen) EXPECT_FALSE(coin.spent || coin.pending);
    const auto payment = pay(coins, 18, 0);
    ASSERT_FALSE(payment.ok());
    EXPECT_EQ(payment.error().message,
              "not enough coins: 0.00000018 needed (fee included), 0.00000017 there, and 0.000005 "
              "more once payments in the pool are in a block");
}

TEST_F(SpendTest, TooManySmallCoinsAreNotOnePayment) {
    std::vector<OwnCoin> coins;
    for (int i = 0; i < 300; ++i) coins.push_back(coin(10));
    EXPECT_TRUE(pay(coins, 2560, 0).ok());
    const auto payment = pay(coins, 2561, 0);
    ASSERT_FALSE(payment.ok());
    EXPECT_EQ(
        payment.error().message,
        "the coins are too small: one payment spends at most 256 of them, here 0.0000256 coins "
        "together; send 0.00002561 (fee included) in several payments");
    EXPECT_EQ(pay(coins, 3000, 0).error().message.substr(0, 23), "the coins are too small");
    EXPECT_EQ(pay(coins, 3001, 0).error().message.substr(0, 16), "not enough coins");
}

TEST_F(SpendTest, AmountsAndKeysAreBounded) {
    const std::vector<OwnCoin> coins{coin(100)};
    EXPECT_FALSE(pay(coins, 0, 1).ok());
    // By its own bound, not because there are so few coins.
    EXPECT_EQ(pay(coins, chain::kMaxAmount, 0).error().message, "no amount may reach 2^62");
    EXPECT_EQ(pay(coins, 1, chain::kMaxAmount).error().message, "no amount may reach 2^62");
    EXPECT_EQ(pay(coins, chain::kMaxAmount - 1, 0).error().code, ErrorCode::kRefused);
    EXPECT_FALSE(pay(coins, 1, ~std::uint64_t{0}).ok()) << "no overflow";
    PaymentOrder order{to, 1};
    const std::uint64_t too_high = chain::kMaxAmount / chain::kMaxPaymentBytes;
    EXPECT_NE(
        choose_coins_at_rate(coins, too_high, order).error().message.find("no payment can pay"),
        std::string::npos)
        << "nor of a rate";
    EXPECT_EQ(choose_coins_at_rate(coins, too_high - 1, order).error().code, ErrorCode::kRefused);
    EXPECT_FALSE(pay({coins[0], coins[0]}, 150, 0).ok()) << "the same coin twice";
    to = crypto::PublicKey{};
    EXPECT_FALSE(pay(coins, 1, 0).ok());
    to = wallet.main_key();
    EXPECT_FALSE(make_payment(wallet, genesis, coins, {to, 1, 0}, genesis, random).ok())
        << "change to a stranger";
    Wallet watching = Wallet::create(disk, "watching", "pw", *wallet.account().extended_public(),
                                     random, {}, crypto::kKeystoreCheapest)
                          .value();
    const auto watched =
        make_payment(watching, genesis, coins, {to, 1, 0}, watching.key(Chain::kChange, 0), random);
    ASSERT_FALSE(watched.ok());
    EXPECT_NE(watched.error().message.find("only watches"), std::string::npos);
    std::vector<OwnCoin> foreign{coin(100)};
    foreign[0].output.key = crypto::public_key(crypto::SecretKey::generate(random));
    EXPECT_FALSE(pay(foreign, 1, 0).ok());
}

class ReplaceTest : public SpendTest {
  protected:
    WaitingPayment waits(const std::vector<OwnCoin>& coins, std::uint64_t amount,
                         std::uint64_t fee) {
        const auto payment = pay(coins, amount, fee);
        CHECK(payment.ok());
        auto old = waiting_payment(wallet, *payment, fee, coins);
        CHECK(old.ok());
        return *std::move(old);
    }
    Result<chain::Payment> replace(const WaitingPayment& old, const std::vector<OwnCoin>& more,
                                   std::uint64_t fee) {
        return replace_payment(wallet, genesis, old, more, fee, wallet.key(Chain::kChange, 1),
                               random);
    }
};

TEST_F(ReplaceTest, SpendsTheSameCoinsAndTakesTheFeeFromTheChange) {
    const std::vector<OwnCoin> coins{coin(50'000), coin(40'000, 2)};
    const WaitingPayment old = waits(coins, 60'000, 100);
    EXPECT_TRUE(old.has_change);
    EXPECT_EQ(old.paid, 60'000u);
    const auto better = replace(old, {}, 900);
    ASSERT_TRUE(better.ok()) << better.error().message;
    EXPECT_EQ(check(*better, coins), 900);
    EXPECT_EQ(better->inputs, old.payment.inputs);
    EXPECT_EQ(better->outputs[0], old.payment.outputs[0]) << "the recipient gets the same";
    EXPECT_EQ(better->outputs[1].key, old.payment.outputs[1].key);
    EXPECT_EQ(better->outputs[1].amount, 90'000u - 60'000u - 900u);
    const auto all = replace(old, {}, 30'000);
    ASSERT_TRUE(all.ok());
    EXPECT_EQ(all->outputs.size(), 1u) << "no change is left";
    EXPECT_EQ(check(*all, coins), 30'000);
    EXPECT_EQ(replace(old, {}, 30'001).error().code, ErrorCode::kRefused);
}

// However large the coin that is added: without the old coins both payments could be in a block.
TEST_F(ReplaceTest, AnotherCoinComesOnTopAndNeverInstead) {
    const std::vector<OwnCoin> coins{coin(1'000)};
    const WaitingPayment old = waits(coins, 900, 100);
    EXPECT_FALSE(old.has_change);
    const OwnCoin large = coin(1'000'000, 1);
    const auto better = replace(old, {large}, 700);
    ASSERT_TRUE(better.ok()) << better.error().message;
    EXPECT_EQ(check(*better, {coins[0], large}), 700);
    ASSERT_EQ(better->inputs.size(), 2u);
    EXPECT_EQ(better->outputs[0].amount, 900u);
    EXPECT_EQ(better->outputs[1].key, wallet.key(Chain::kChange, 1));
}

// This program makes none such; another one may, with the same words.
TEST_F(ReplaceTest, WhatHasNoPlaceForChangeIsNotMadeAFee) {
    const std::vector<OwnCoin> coins{coin(1'000)};
    WaitingPayment old = waits(coins, 900, 100);
    old.payment.outputs = {{400, chain::OutputKind::kKey, chain::test_key(8)},
                           {500, chain::OutputKind::kKey, chain::test_key(9)}};
    EXPECT_EQ(replace(old, {coin(1'000'000, 1)}, 700).error().code, ErrorCode::kRefused);
    EXPECT_TRUE(replace(old, {coin(600, 1)}, 700).ok()) << "nothing is left over";
}

TEST_F(ReplaceTest, PaymentsOfOthersAreNotReplaced) {
    const std::vector<OwnCoin> coins{coin(50'000)};
    const auto payment = pay(coins, 10'000, 100);
    ASSERT_TRUE(payment.ok());
    EXPECT_EQ(waiting_payment(wallet, *payment, 100, {coin(1)}).error().code, ErrorCode::kRefused);
    chain::Payment closing = *payment;  // which two have signed
    closing.form = chain::PaymentForm::kClose;
    EXPECT_NE(waiting_payment(wallet, closing, 100, coins).error().message.find("closes a channel"),
              std::string::npos);
}

TEST_F(ReplaceTest, WhatReplacesAPaymentIsBoundedAsEveryPaymentIs) {
    const WaitingPayment old = waits({coin(50'000)}, 10'000, 100);
    EXPECT_EQ(replace(old, {}, chain::kMaxAmount).error().code, ErrorCode::kInvalid);
    std::vector<OwnCoin> more;
    while (more.size() < chain::kMaxPaymentInputs - 1) more.push_back(coin(10));
    EXPECT_EQ(replace(old, more, 900)->inputs.size(), chain::kMaxPaymentInputs);
    more.push_back(coin(10));
    EXPECT_NE(replace(old, more, 900).error().message.find("at most 256 coins"), std::string::npos);
}

// What PaymentPool::why_not_replace asks: more for each byte, and the old fee and the rate besides.
TEST_F(ReplaceTest, TheFeeIsEnoughForThePoolsRule) {
    for (const std::uint64_t fee : {10u, 300u, 5'000u})
        for (const std::uint64_t rate : {1u, 7u})
            for (const std::size_t more : {0u, 1u}) {
                const WaitingPayment old = waits({coin(50'000)}, 10'000, fee);
                const std::uint64_t replacing = replacing_fee(old, more, rate);
                const std::size_t bytes = chain::payment_bytes(1 + more, 2);
                EXPECT_TRUE(chain::higher_fee_rate(replacing, bytes, fee,
                                                   chain::encode(old.payment).size()));
                EXPECT_GE(replacing, fee + rate * bytes);
            }
}

}  // namespace
}  // namespace cairn::wallet
