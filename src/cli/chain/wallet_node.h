// What the wallet asks of the running node: which coins its keys have, what payments in the node's
// pool would change about them, and to accept a payment. Secrets are never sent to it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "api/remote_node.h"
#include "channel/policy.h"
#include "wallet/spend.h"

namespace cairn::cli {

class WalletNode {
  public:
    /// The node that runs on the directory; kNotFound if none does, kRefused for one of another
    /// network: a signature commits to the network.
    static Result<WalletNode> of_directory(
        const std::string& directory, const Hash256& genesis_id,
        std::uint64_t timeout_ms = api::Client::kDefaultTimeoutMs);

    Result<std::vector<wallet::OwnCoin>> coins(const std::vector<crypto::PublicKey>& keys) const;
    /// A payment that waits in its pool, and the fee; kNotFound if it does not.
    Result<node::PooledView> pooled(const Hash256& id) const { return node_.pooled_payment(id); }
    /// kInvalid when the node refuses it. Any other failure says that the node may have taken it.
    Status pay(const chain::Payment& payment) const;
    /// What a payment should pay for each byte, as the node's pool was when this was made.
    std::uint64_t fee_rate() const { return fee_rate_; }
    /// Of its tip, then.
    std::uint32_t height() const { return static_cast<std::uint32_t>(seen_.tip); }
    const channel::ChainSeen& chain_seen() const { return seen_; }

  private:
    WalletNode(api::RemoteNode node, const node::NodeStatus& status)
        : node_(std::move(node)),
          fee_rate_(status.mempool_fee_rate),
          seen_{static_cast<std::uint32_t>(status.height), status.tip_time_ms,
                status.headers_height} {}
    api::RemoteNode node_;
    std::uint64_t fee_rate_;
    channel::ChainSeen seen_;
};

/// For Wallet::change_index: whether a payment in the pool, of which `coins` tells, pays a key.
std::function<bool(const crypto::PublicKey&)> paid_in_pool(std::vector<wallet::OwnCoin> coins);

}  // namespace cairn::cli
