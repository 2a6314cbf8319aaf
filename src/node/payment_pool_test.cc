// Proves that the fee for each byte decides who is in a full pool and who replaces whom, that a
// replacement pays for itself, and that the pool stays within its bounds.
#include "node/payment_pool.h"

#include <gtest/gtest.h>

namespace cairn::node {
namespace {

/// Spends the coins with these numbers; two outputs and one input make 191 bytes.
ItemPtr paying(std::vector<std::uint32_t> coins, std::uint64_t amount = 5) {
    chain::Payment payment;
    for (const std::uint32_t coin : coins) payment.inputs.push_back({{}, coin});
    payment.outputs = {{amount, chain::OutputKind::kKey, {}}, {1, chain::OutputKind::kKey, {}}};
    payment.signatures.resize(coins.size());
    return make_item(payment);
}

constexpr std::uint64_t kSize = 191;

TEST(PaymentPool, AsksForTheLeastFee) {
    PaymentPool pool({.min_fee_rate = 3});
    ASSERT_EQ(paying({1})->bytes, kSize);
    EXPECT_EQ(chain::payment_bytes(1, 2), kSize);
    EXPECT_NE(pool.add(paying({1}), 3 * kSize - 1).find("0.00000573 or more"), std::string::npos);
    EXPECT_EQ(pool.add(paying({1}), 3 * kSize), "");
}

TEST(PaymentPool, AFullOneEvictsWhoPaysLeastForEachByte) {
    PaymentPool pool({.max_payments = 3});
    // Two coins, so many bytes: more in all, less for each.
    const ItemPtr large = paying({1, 2});
    EXPECT_EQ(pool.add(large, 1'000), "");
    EXPECT_EQ(pool.add(paying({3}), 900), "");
    EXPECT_EQ(pool.add(paying({4}), 950), "");
    EXPECT_NE(pool.add(paying({5}), 300), "");
    EXPECT_EQ(pool.size(), 3U);
    EXPECT_EQ(pool.add(paying({5}), 800), "");
    EXPECT_EQ(pool.size(), 3U);
    EXPECT_FALSE(pool.contains(large->name.id));
    EXPECT_FALSE(pool.spends({{}, 1}));
    EXPECT_NE(pool.add(large, 1'000), "");
    const auto order = pool.by_fee_rate();
    EXPECT_EQ(order.front()->name.id, paying({4})->name.id);
    EXPECT_EQ(order.back()->name.id, paying({5})->name.id);
}

TEST(PaymentPool, BytesAreBoundedToo) {
    PaymentPool pool({.max_bytes = 2 * kSize});
    EXPECT_EQ(pool.add(paying({1}), 1'000), "");
    EXPECT_EQ(pool.add(paying({2}), 2'000), "");
    EXPECT_NE(pool.add(paying({3}), 1'000), "");
    EXPECT_EQ(pool.add(paying({3}), 1'001), "");
    EXPECT_FALSE(pool.spends({{}, 1}));
    // One that does not fit although it pays best would cost one that pays more for each byte.
    EXPECT_NE(pool.add(paying({4, 5}), 3'000), "");
}

TEST(PaymentPool, AReplacementPaysMoreInBothWays) {
    PaymentPool pool({});
    const ItemPtr first = paying({1});
    EXPECT_EQ(pool.add(first, 1'000), "");
    EXPECT_NE(pool.add(paying({1}, 6), 1'000), "");
    EXPECT_NE(pool.add(paying({1}, 6), 1'000 + kSize - 1), "");
    EXPECT_EQ(pool.add(paying({1}, 6), 1'000 + kSize), "");
    EXPECT_FALSE(pool.contains(first->name.id));
    EXPECT_EQ(pool.size(), 1U);
    // More in all, less for each byte: a large payment does not push out a small one.
    EXPECT_NE(pool.add(paying({1, 2, 3}), 1'500), "");
}

TEST(PaymentPool, ReplacesAllWhoseCoinsItSpends) {
    PaymentPool pool({.max_payments = 2});
    EXPECT_EQ(pool.add(paying({1}), 300), "");
    EXPECT_EQ(pool.add(paying({2}), 300), "");
    const std::uint64_t least = 600 + paying({1, 2})->bytes;
    EXPECT_NE(pool.add(paying({1, 2}), least - 1), "");
    EXPECT_EQ(pool.add(paying({1, 2}), least), "");
    EXPECT_EQ(pool.size(), 1U);
    EXPECT_TRUE(pool.spends({{}, 1}) && pool.spends({{}, 2}));
    pool.remove_spender({{}, 2});
    EXPECT_EQ(pool.size(), 0U);
    EXPECT_FALSE(pool.spends({{}, 1}));
}

TEST(PaymentPool, SaysWhatTheNextBlockNeeds) {
    PaymentPool pool({});
    EXPECT_EQ(pool.fee_rate_within(2, 10'000), 1U);
    EXPECT_EQ(pool.add(paying({1}), 10 * kSize), "");
    EXPECT_EQ(pool.fee_rate_within(2, 10'000), 1U);
    EXPECT_EQ(pool.add(paying({2}), 20 * kSize), "");
    EXPECT_EQ(pool.fee_rate_within(2, 10'000), 11U);
    EXPECT_EQ(pool.fee_rate_within(1, 10'000), 21U);
    EXPECT_EQ(pool.fee_rate_within(9, kSize), 11U);
}

}  // namespace
}  // namespace cairn::node
