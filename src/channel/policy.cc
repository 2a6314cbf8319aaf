#include "channel/policy.h"

namespace cairn::channel {
namespace {

constexpr std::uint64_t kMost = ~std::uint64_t{0};

Error refused(std::string message) { return {ErrorCode::kRefused, std::move(message)}; }

}  // namespace

std::uint64_t add_up(std::uint64_t a, std::uint64_t b) { return a > kMost - b ? kMost : a + b; }

std::uint64_t price_at_risk(std::uint64_t per_token) {
    return per_token > kMost / kTokensAtRisk ? kMost : kTokensAtRisk * per_token;
}

std::uint32_t last_call(std::uint32_t expiry, const Policy& policy) {
    return expiry > policy.closing_blocks ? expiry - policy.closing_blocks : 0;
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
    if (tip >= last_call(terms.expiry, policy))
        return refused("the channel expires at height " + std::to_string(terms.expiry) +
                       ", which is less than " + std::to_string(policy.closing_blocks) +
                       " blocks away");
    return record;
}

}  // namespace cairn::channel
