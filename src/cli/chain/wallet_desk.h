// What the commands of payment channels begin with: the wallet, the chain on this disk, the running
// node if one is needed, and the records of channels, all for one person at a time.
#pragma once

#include <memory>
#include <optional>

#include "base/random.h"
#include "channel/record_store.h"
#include "channel/settle.h"
#include "cli/chain/wallet_chain.h"
#include "cli/chain/wallet_command.h"
#include "cli/chain/wallet_node.h"

namespace cairn::cli {

/// With how many digits a channel may be named at least.
inline constexpr std::size_t kMinChannelDigits = 4;
/// What is wrong with a word that is to name a channel; empty: nothing.
std::string wrong_with_channel_name(const std::string& name);

struct WalletDesk {
    chain::NetworkDefinition network;
    Hash256 genesis_id;
    ChainReader chain;
    std::optional<WalletNode> node;
    WalletLock lock;
    wallet::Wallet wallet;
    std::unique_ptr<PosixDisk> disk;
    std::unique_ptr<channel::RecordStore> records;
    std::unique_ptr<SystemRandom> random;
    channel::Policy policy;

    /// Whether a command has to ask a running node, or does without where none runs.
    enum class NodeIs { kNeeded, kOptional };
    /// kNotFound without a running node that is needed, kRefused for a wallet that only watches.
    static Result<WalletDesk> open(const WalletRequest& request, NodeIs node_is);

    /// All coins of the wallet's keys, channels to and from it among them. Only with a node.
    Result<std::vector<wallet::OwnCoin>> coins() const;
    /// The wallet's ends of the channels among these.
    std::vector<channel::Record> channels_among(const std::vector<wallet::OwnCoin>& coins) const;
    /// The channel of this name, or whose name begins so: from the records, else, with a node, from
    /// the chain, where a wallet that was restored from its words finds its channels again.
    /// kNotFound, kRefused where several begin so.
    Result<channel::Record> find(channel::Role role, const std::string& name) const;
    /// The secret of the wallet's end of a channel; kRefused if it is not the wallet's.
    Result<crypto::SecretKey> secret_of(const channel::Record& record) const;
    wallet::Wallet::Used used() const { return used_on_chain(chain); }
};

/// A channel that a wallet has opened, in the node's pool.
struct OpenedChannel {
    channel::Record record;
    std::uint64_t fee = 0;
};

/// Opens the channel that the request asks for: to, amount, fee, blocks. Errors as `cairn wallet
/// channel open`.
Result<OpenedChannel> open_channel(const WalletRequest& request, WalletDesk& desk);

}  // namespace cairn::cli
