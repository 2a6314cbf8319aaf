// Where a coin comes from (papers A: Def 2: a coin is a chain of digital signatures). From the
// payment that made it, the coins that this payment spent are followed to the payments that made
// those, and so on back to the coinbases, in which all coins begin; the signature of every owner on
// the way is checked.
//
// Coins that are spent together are one sum afterwards: which part of it went where, no chain says.
#pragma once

#include <vector>

#include "chain/block.h"
#include "store/store.h"

namespace cairn::proof {

inline constexpr std::size_t kMostTraced = 100'000;

/// A coin that a traced payment spent.
struct TracedInput {
    chain::OutPoint coin;
    chain::Output output;
    std::size_t from = 0;  ///< place in CoinTrace::steps of what made it; kNotFollowed
};
inline constexpr std::size_t kNotFollowed = ~std::size_t{0};

/// A payment or a coinbase on the way.
struct TraceStep {
    Hash256 id;
    std::uint64_t height = 0;
    std::uint64_t time_ms = 0;
    bool coinbase = false;
    crypto::PublicKey miner;             ///< of a coinbase
    bool closes = false;                 ///< a payment that ended a channel
    std::vector<TracedInput> inputs;     ///< none for a coinbase
    std::vector<chain::Output> outputs;  ///< of a coinbase those alone that the trace came to
    std::string bad;  ///< a payment whose signatures are not its owners': what is wrong, else empty
};

struct CoinTrace {
    chain::OutPoint coin;
    chain::Output output;
    std::vector<TraceStep> steps;  ///< breadth first: what made the coin, then what made its inputs
    std::size_t coinbases = 0;     ///< among the steps
    std::size_t not_followed = 0;  ///< inputs that lead on, where the limit was reached
    std::uint64_t oldest_height = 0;
};

/// At most `max_steps` payments and coinbases are listed (1 to kMostTraced). kNotFound for a coin
/// that the active chain never had; a coin that was spent since is traced as any other. Reads the
/// bodies of the blocks of all steps and of their inputs; kRefused where these are more than
/// `max_bytes`.
Result<CoinTrace> trace_coin(const store::Store& store, const Hash256& genesis_id,
                             const chain::OutPoint& coin, std::size_t max_steps,
                             std::uint64_t max_bytes = ~std::uint64_t{0});

}  // namespace cairn::proof
