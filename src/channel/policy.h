// Which channels a payee takes, and until when. The chain does not ask for any of this: it is how a
// payee keeps himself from being cheated, and how many blocks both ends leave each other.
#pragma once

#include <cstdint>

#include "channel/record.h"

namespace cairn::channel {

/// What is ever at risk between two who serve and pay: the price of so many tokens.
inline constexpr std::uint64_t kTokensAtRisk = 16;
/// The sum of two prices, which come from others and may be anything: at most 2^64 - 1.
std::uint64_t add_up(std::uint64_t a, std::uint64_t b);
/// The price of 16 tokens, likewise.
std::uint64_t price_at_risk(std::uint64_t per_token);

struct Policy {
    /// C: blocks that must lie on a channel, its own included. A reorganisation that takes back so
    /// many can take the channel and all its vouchers away.
    std::uint32_t confirmations = 6;
    /// N: so many blocks below the expiry no voucher is taken any more and the channel is closed,
    /// so that the close has time to get into a block.
    std::uint32_t closing_blocks = 24;
    /// A smaller channel is not worth its closing fee.
    std::uint64_t min_capacity = 10'000;
    /// A channel expires in so many blocks at most, for a record is kept until then: who opened
    /// some thousand for ever would keep new ones out for ever.
    std::uint32_t max_blocks = 1'000'000;
};

/// A channel as the chain has it now.
struct OnChain {
    chain::Output output;
    std::uint32_t height = 0;  ///< of the block that made it
};

/// From which height on (of the tip) a payee takes no voucher of a channel.
std::uint32_t last_call(std::uint32_t expiry, const Policy& policy);

/// What a node knows of how high its network's chain is.
struct ChainSeen {
    std::uint32_t tip = 0;          ///< height of the blocks that it has judged
    std::uint64_t tip_time_ms = 0;  ///< of the last of them
    std::uint64_t headers = 0;      ///< height of the best header
};
/// How high that chain may be by now. A node that was off, or is shown no blocks, has an old tip,
/// on which channels are open that expired meanwhile: who paid from one would pay nothing. Where
/// there has been no block for 12 spacings, and for a minute, one is taken to have come in each of
/// them (a sixteenth more, since they may come faster).
std::uint32_t height_by_now(const ChainSeen& seen, std::uint64_t spacing_ms, std::uint64_t now_ms);

/// kRefused, in a sentence, once the channel expires too soon.
Status check_time_left(std::uint32_t expiry, std::uint32_t height, const Policy& policy);

/// A new record for a payee who is offered a channel. kRefused, in a sentence: it is not his, too
/// young, too small, or expires too soon or too late. `tip` is the height of the chain's tip.
Result<Record> admit(const Hash256& genesis_id, const chain::OutPoint& outpoint,
                     const OnChain& channel, const crypto::PublicKey& me, std::uint32_t tip,
                     const Policy& policy);

}  // namespace cairn::channel
