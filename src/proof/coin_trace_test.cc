// Proves that a trace leads from a coin to the coinbases that it comes from, that a signature which
// is not its owner's is told, and that a limit cuts a trace and says so.
#include "proof/coin_trace.h"

#include <gtest/gtest.h>

#include "proof/test_stored_chain.h"

namespace cairn::proof {
namespace {

using consensus::Candidates;
using consensus::Person;

class CoinTraceTest : public testing::Test {
  protected:
    /// Pays in a block of its own; the payment's first coin.
    chain::OutPoint pay(const Person& from, const chain::OutPoint& coin, const Person& to,
                        std::uint64_t amount) {
        Candidates candidates;
        candidates.payments.push_back(stored_.chain.pay(from, coin, to.key, amount, 10));
        const Hash256 id = chain::payment_id(*candidates.payments[0]);
        stored_.chain.mine(miner_, candidates);
        return {id, 0};
    }
    CoinTrace trace(const chain::OutPoint& coin, std::size_t max = 100) {
        stored_.keep();
        auto found =
            trace_coin(*stored_.store, chain::genesis_id(stored_.chain.network), coin, max);
        EXPECT_TRUE(found.ok()) << found.error().message;
        return *std::move(found);
    }

    Person miner_{1}, ann_{2}, bob_{3};
    StoredChain stored_;
};

TEST_F(CoinTraceTest, LeadsToTheCoinbases) {
    const chain::OutPoint earned = stored_.chain.earn(miner_);
    const chain::OutPoint to_ann = pay(miner_, earned, ann_, 5000);
    const chain::OutPoint to_bob = pay(ann_, to_ann, bob_, 3000);
    // Bob puts two coins together: one by Ann, one (the change) by the miner.
    const chain::OutPoint change = pay(miner_, {to_ann.id, 1}, bob_, 2000);
    chain::Payment both;
    both.inputs = {std::min(to_bob, change), std::max(to_bob, change)};
    both.outputs = {{4900, chain::OutputKind::kKey, ann_.key}};
    stored_.chain.resign(both, bob_);
    Candidates candidates;
    candidates.payments.push_back(both);
    stored_.chain.mine(miner_, candidates);

    const CoinTrace found = trace({chain::payment_id(both), 0});
    EXPECT_EQ(found.output.amount, 4900u);
    ASSERT_EQ(found.steps.size(), 5u);
    EXPECT_EQ(found.coinbases, 1u);
    EXPECT_EQ(found.not_followed, 0u);
    EXPECT_EQ(found.steps[0].inputs.size(), 2u);
    EXPECT_EQ(found.steps.back().id, earned.id);
    EXPECT_TRUE(found.steps.back().coinbase);
    ASSERT_EQ(found.steps.back().outputs.size(), 1u);
    EXPECT_EQ(found.steps.back().outputs[0].key, miner_.key);
    EXPECT_EQ(found.oldest_height, found.steps.back().height);
    // Both ways lead to the one payment that split the coinbase.
    EXPECT_EQ(found.steps[1].inputs[0].from, found.steps[2].inputs[0].from);
    for (const TraceStep& step : found.steps) EXPECT_EQ(step.bad, "");

    const CoinTrace cut = trace({chain::payment_id(both), 0}, 2);
    EXPECT_EQ(cut.steps.size(), 2u);
    EXPECT_EQ(cut.not_followed, 2u);
    EXPECT_EQ(cut.steps[0].inputs[1].from, kNotFollowed);
}

TEST_F(CoinTraceTest, ACoinbaseIsWhereATraceEnds) {
    const chain::OutPoint earned = stored_.chain.earn(miner_);
    const CoinTrace found = trace(earned);
    ASSERT_EQ(found.steps.size(), 1u);
    EXPECT_TRUE(found.steps[0].coinbase);
    EXPECT_EQ(found.steps[0].outputs.size(), 1u);
    const auto none = trace_coin(*stored_.store, {}, {earned.id, 7}, 10);
    ASSERT_FALSE(none.ok());
    EXPECT_EQ(none.error().code, ErrorCode::kNotFound);
    EXPECT_FALSE(trace_coin(*stored_.store, {}, {chain::filled<32>(9), 0}, 10).ok());
}

// Signatures commit to the network: under another id none of them is its owner's.
TEST_F(CoinTraceTest, SignaturesAreChecked) {
    const chain::OutPoint to_ann = pay(miner_, stored_.chain.earn(miner_), ann_, 5000);
    stored_.keep();
    const auto found = trace_coin(*stored_.store, chain::filled<32>(1), to_ann, 10);
    ASSERT_TRUE(found.ok());
    EXPECT_NE(found->steps[0].bad, "");
    EXPECT_EQ(trace(to_ann).steps[0].bad, "");
}

// A thousand payments one behind the other, all listed, or the first few.
TEST_F(CoinTraceTest, DeepHistoriesAreFollowed) {
    chain::OutPoint coin = stored_.chain.earn(miner_);
    constexpr std::uint64_t kHops = 300;
    std::uint64_t amount = 100'000;
    coin = pay(miner_, coin, ann_, amount);
    for (std::uint64_t i = 1; i < kHops; ++i) coin = pay(ann_, coin, ann_, amount -= 10);
    EXPECT_EQ(trace(coin, 1000).steps.size(), kHops + 1);
    EXPECT_EQ(trace(coin, 7).steps.size(), 7u);
    EXPECT_EQ(trace(coin, 7).not_followed, 1u);
}

}  // namespace
}  // namespace cairn::proof
