// CONSENSUS: changing a result here splits the network.
#include "consensus/coins.h"

#include "base/check.h"

namespace cairn::consensus {
namespace {

/// More coins than memory holds; bounds what a snapshot may claim.
constexpr std::size_t kMaxCoins = std::size_t{1} << 28;
constexpr std::size_t kCoinBytes = chain::kOutPointBytes + chain::kKeyOutputBytes + 4 + 1;

/// What the set hash covers of a coin, and what a snapshot stores.
void write_coin(Writer& writer, const chain::OutPoint& outpoint, const Coin& coin) {
    chain::write(writer, outpoint);
    chain::write(writer, coin.output);
    writer.u32(coin.height);
    writer.u8(coin.coinbase ? 1 : 0);
}

Bytes element(const chain::OutPoint& outpoint, const Coin& coin) {
    Writer writer;
    write_coin(writer, outpoint, coin);
    return std::move(writer).take();
}

}  // namespace

const Coin* CoinSet::find(const chain::OutPoint& outpoint) const {
    const auto found = coins_.find(outpoint);
    return found == coins_.end() ? nullptr : &found->second;
}

void CoinSet::add(const chain::OutPoint& outpoint, const Coin& coin) {
    const bool inserted = coins_.emplace(outpoint, coin).second;
    CHECK(inserted);
    by_key_.emplace(coin.output.key, outpoint);
    if (coin.output.kind == chain::OutputKind::kChannel)
        by_key_.emplace(coin.output.payee, outpoint);
    hash_.add(element(outpoint, coin));
}

Coin CoinSet::remove(const chain::OutPoint& outpoint) {
    const auto found = coins_.find(outpoint);
    CHECK(found != coins_.end());
    const Coin coin = found->second;
    by_key_.erase({coin.output.key, outpoint});
    by_key_.erase({coin.output.payee, outpoint});
    hash_.remove(element(outpoint, coin));
    coins_.erase(found);
    return coin;
}

std::vector<chain::OutPoint> CoinSet::of(const crypto::PublicKey& key) const {
    std::vector<chain::OutPoint> found;
    for (auto at = by_key_.lower_bound({key, chain::OutPoint{}});
         at != by_key_.end() && at->first == key; ++at)
        found.push_back(at->second);
    return found;
}

void CoinSet::write(Writer& writer) const {
    writer.count(coins_.size());
    for (const auto& [outpoint, coin] : coins_) write_coin(writer, outpoint, coin);
}

Result<CoinSet> CoinSet::read(Reader& reader) {
    CoinSet set;
    const std::size_t count = reader.count(kMaxCoins, kCoinBytes);
    chain::OutPoint last;
    for (std::size_t i = 0; i < count; ++i) {
        const chain::OutPoint outpoint = chain::read_outpoint(reader);
        Coin coin;
        coin.output = chain::read_output(reader);
        coin.height = reader.u32();
        const std::uint8_t coinbase = reader.u8();
        if (coinbase > 1) reader.fail("coin: the coinbase flag must be 0 or 1");
        coin.coinbase = coinbase == 1;
        if (i > 0 && !(last < outpoint)) reader.fail("coins must be sorted, each once");
        RETURN_IF_ERROR(reader.status());
        set.add(outpoint, coin);
        last = outpoint;
    }
    RETURN_IF_ERROR(reader.status());
    return set;
}

}  // namespace cairn::consensus
