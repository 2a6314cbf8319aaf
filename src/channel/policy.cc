#include "channel/policy.h"

#include <algorithm>
#include <limits>

namespace cairn::channel {
namespace {

constexpr std::uint64_t kMost = ~std::uint64_t{0};
constexpr std::uint64_t kUsualSpacings = 12;
constexpr std::uint64_t kUsualMs = 60'000;
constexpr std::uint64_t kFaster = 16;  // by one part in so many

Error refused(std::string message) { return {ErrorCode::kRefused, std::move(message)}; }

}  // namespace

std::uint64_t add_up(std::uint64_t a, std::uint64_t b) { return a > kMost - b ? kMost : a + b; }

std::uint64_t price_at_risk(std::uint64_t per_token) {
    return per_token > kMost / kTokensAtRisk ? kMost : kTokensAtRisk * per_token;
}

std::uint32_t last_call(std::uint32_t expiry, const Policy& policy) {
    return expiry > policy.closing_blocks ? expiry - policy.closing_blocks : 0;
}

std::uint32_t height_by_now(const ChainSeen& seen, std::uint64_t spacing_ms, std::uint64_t now_ms) {
    std::uint64_t height = std::max<std::uint64_t>(seen.tip, seen.headers);
    const std::uint64_t since_ms = now_ms > seen.tip_time_ms ? now_ms - seen.tip_time_ms : 0;
    const std::uint64_t missing = since_ms / spacing_ms;
    if (missing > kUsualSpacings && since_ms > kUsualMs)
        height = std::max(height, add_up(seen.tip, add_up(missing, missing / kFaster)));
    return static_cast<std::uint32_t>(
        std::min<std::uint64_t>(height, std::numeric_limits<std::uint32_t>::max()));
}

Status check_time_left(std::uint32_t expiry, std::uint32_t height, const Policy& policy) {
    if (height < last_call(expiry, policy)) return ok_status();
    return refused("the channel expires at height " + std::to_string(expiry) +
                   ", which is less than " + std::to_string(policy.closing_blocks) +
                   " blocks away");
}

Result<Record> admit(const Hash256& genesis_id, const chain::OutPoint& outpoint,
                     const OnChain& channel, const crypto::PublicKey& me, std::uint32_t tip,
                     const Policy& policy) {
    Record record;
    record.role = Role::kPayee;
    record.genesis_id = genesis_id;
    ASSIGN_OR_RETURN(record.terms, terms_of(outpoint, channel.output));
    const Terms& terms = record.terms;
    if (terms.payee != me) return refused("the channel pays somebody else");
    if (terms.capacity < policy.min_capacity)
        return refused("the channel holds " + chain::amount_text(terms.capacity) + " coins; " +
                       chain::amount_text(policy.min_capacity) + " is the least");
    const std::uint64_t on_it = channel.height <= tip ? tip - channel.height + std::uint64_t{1} : 0;
    if (on_it < policy.confirmations)
        return refused("the channel is " + std::to_string(on_it) + " blocks deep; " +
                       std::to_string(policy.confirmations) + " are needed");
    RETURN_IF_ERROR(check_time_left(terms.expiry, tip, policy));
    if (terms.expiry - tip > policy.max_blocks)
        return refused("the channel expires at height " + std::to_string(terms.expiry) +
                       ", which is more than " + std::to_string(policy.max_blocks) +
                       " blocks away");
    return record;
}

}  // namespace cairn::channel
