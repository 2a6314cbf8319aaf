// Proves that a wallet is told of its largest coins, however much dust others have paid to it.
#include "node/largest_coins.h"

#include <gtest/gtest.h>

namespace cairn::node {
namespace {

crypto::PublicKey key_of(std::uint8_t number) {
    crypto::PublicKey key;
    key.bytes[0] = number;
    return key;
}

chain::OutPoint outpoint(std::uint32_t number) { return {{}, number}; }

TEST(LargestCoins, DustHidesNone) {
    consensus::CoinSet coins;
    for (std::uint32_t i = 0; i < 1'000; ++i)
        coins.add(outpoint(i), {{1, chain::OutputKind::kKey, key_of(1)}, 5, false});
    coins.add(outpoint(1'000), {{500, chain::OutputKind::kKey, key_of(1)}, 5, false});
    coins.add(outpoint(1'001),
              {{20'000, chain::OutputKind::kChannel, key_of(2), key_of(1), 100}, 5, false});
    coins.add(outpoint(1'002), {{900, chain::OutputKind::kKey, key_of(3)}, 5, false});
    const auto told = largest_coins(coins, {key_of(1), key_of(2)}, 3);
    EXPECT_EQ(told, (std::vector{outpoint(0), outpoint(1'000), outpoint(1'001)}));
    EXPECT_EQ(largest_coins(coins, {key_of(1), key_of(2)}, 5'000).size(), 1'002U)
        << "a channel between two of the keys is told of once";
    EXPECT_TRUE(largest_coins(coins, {key_of(4)}, 3).empty());
}

}  // namespace
}  // namespace cairn::node
