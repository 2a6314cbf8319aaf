#include "cli/chain/wallet_node.h"

#include <algorithm>
#include <iterator>
#include <span>

namespace cairn::cli {

namespace {

wallet::OwnCoin own_coin(const node::CoinView& view) {
    chain::Output output{view.amount, chain::OutputKind::kKey, view.key};
    if (view.channel) {
        output.kind = chain::OutputKind::kChannel;
        output.payee = view.payee;
        output.expiry = static_cast<std::uint32_t>(view.expiry);
    }
    return {.outpoint = {view.txid, view.index},
            .output = output,
            .height = view.height,
            .mature = view.mature,
            .spent = view.spent,
            .pending = view.pending};
}

}  // namespace

Result<WalletNode> WalletNode::of_directory(const std::string& directory, const Hash256& genesis_id,
                                            std::uint64_t timeout_ms) {
    ASSIGN_OR_RETURN(api::RemoteNode node, api::RemoteNode::of_directory(directory, timeout_ms));
    ASSIGN_OR_RETURN(const node::NodeStatus status, node.status());
    if (status.genesis_id != genesis_id)
        return Error{ErrorCode::kRefused, "the running node is on another network"};
    return WalletNode(std::move(node), status);
}

Result<std::vector<wallet::OwnCoin>> WalletNode::coins(
    const std::vector<crypto::PublicKey>& keys) const {
    std::vector<wallet::OwnCoin> coins;
    for (std::span rest(keys); !rest.empty();) {
        const auto part = rest.first(std::min(rest.size(), node::kMaxCoinKeys));
        rest = rest.subspan(part.size());
        ASSIGN_OR_RETURN(const std::vector<node::CoinView> found, node_.coins_of(part));
        std::ranges::transform(found, std::back_inserter(coins), own_coin);
    }
    return coins;
}

Status WalletNode::pay(const chain::Payment& payment) const {
    const auto answer = node_.submit_payment(chain::encode(payment));
    if (answer.ok()) return ok_status();
    const Error& error = answer.error();
    const bool refused = error.code == ErrorCode::kInvalid || error.code == ErrorCode::kRefused ||
                         error.code == ErrorCode::kNotFound;
    if (refused) return error;
    return Error{error.code, error.message +
                                 "; the node may have taken the payment all the same: look at "
                                 "`cairn wallet balance` before you send again"};
}

std::function<bool(const crypto::PublicKey&)> paid_in_pool(std::vector<wallet::OwnCoin> coins) {
    return [coins = std::move(coins)](const crypto::PublicKey& key) {
        return std::ranges::any_of(coins, [&](const wallet::OwnCoin& coin) {
            return coin.pending && coin.output.key == key;
        });
    };
}

}  // namespace cairn::cli
