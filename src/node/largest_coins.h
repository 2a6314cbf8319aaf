// Which coins a wallet is told of. Anybody pays dust to anybody's key, for 200 units a coin: told
// of all of it, a wallet gets an answer that it does not read, and could not spend its own coins
// any more, nor end its channels.
#pragma once

#include <set>
#include <vector>

#include "consensus/coins.h"

namespace cairn::node {

/// In one answer, at most.
inline constexpr std::size_t kMaxCoinViews = 10'000;

/// Of the coins that the keys own, or are an end of a channel of, the `most` largest, in the order
/// of their outpoints; of equal ones those whose outpoints come first.
std::vector<chain::OutPoint> largest_coins(const consensus::CoinSet& coins,
                                           const std::set<crypto::PublicKey>& keys,
                                           std::size_t most);

}  // namespace cairn::node
