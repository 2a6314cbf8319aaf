// Proves that the coins of a key are found without going through all coins, through additions,
// removals and a snapshot.
#include "consensus/coins.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"

namespace cairn::consensus {
namespace {

crypto::PublicKey key(std::uint8_t number) {
    crypto::PublicKey key;
    key.bytes.fill(number);
    return key;
}

/// By looking at all of them.
std::vector<chain::OutPoint> counted(const CoinSet& coins, const crypto::PublicKey& owner) {
    std::vector<chain::OutPoint> found;
    for (const auto& [outpoint, coin] : coins.all()) {
        const bool channel = coin.output.kind == chain::OutputKind::kChannel;
        if (coin.output.key == owner || (channel && coin.output.payee == owner))
            found.push_back(outpoint);
    }
    return found;
}

TEST(CoinSet, FindsTheCoinsOfAKey) {
    SeededRandom random(7);
    CoinSet coins;
    for (int step = 0; step < 2000; ++step) {
        if (coins.size() > 50 && random.below(2) == 0) {
            auto at = coins.all().begin();
            std::advance(at, static_cast<std::ptrdiff_t>(random.below(coins.size())));
            coins.remove(chain::OutPoint(at->first));
        } else {
            Coin coin;
            coin.output.amount = 1 + random.below(1000);
            coin.output.key = key(static_cast<std::uint8_t>(random.below(5)));
            if (random.below(3) == 0) {
                coin.output.kind = chain::OutputKind::kChannel;
                coin.output.payee = key(static_cast<std::uint8_t>(random.below(5)));
                coin.output.expiry = 9;
            }
            coins.add({random.hash256(), static_cast<std::uint32_t>(random.below(2))}, coin);
        }
        if (step % 100 != 99) continue;
        for (std::uint8_t owner = 0; owner < 6; ++owner)
            ASSERT_EQ(coins.of(key(owner)), counted(coins, key(owner))) << step;
    }
    Writer writer;
    coins.write(writer);
    const Bytes bytes = std::move(writer).take();
    Reader reader(bytes);
    const auto read = CoinSet::read(reader);
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(read->root(), coins.root());
    for (std::uint8_t owner = 0; owner < 6; ++owner)
        EXPECT_EQ(read->of(key(owner)), coins.of(key(owner)));
}

}  // namespace
}  // namespace cairn::consensus
