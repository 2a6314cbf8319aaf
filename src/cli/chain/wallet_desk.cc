#include "cli/chain/wallet_desk.h"

#include <algorithm>

namespace cairn::cli {

namespace {

bool is_named(const channel::Record& record, const std::string& name) {
    return chain::outpoint_text(record.terms.outpoint).starts_with(name);
}

}  // namespace

std::string wrong_with_channel_name(const std::string& name) {
    const std::size_t digits = std::min(name.find_first_not_of("0123456789abcdef"), name.size());
    const bool is_name =
        digits >= kMinChannelDigits && (digits == name.size() || chain::parse_outpoint(name).ok());
    return is_name ? ""
                   : "'" + name.substr(0, 80) + "' names no channel: give at least " +
                         std::to_string(kMinChannelDigits) +
                         " of the digits that `cairn wallet channel list` shows";
}

Result<WalletDesk> WalletDesk::open(const WalletRequest& request, NodeIs node_is) {
    const std::string& directory = request.file.directory;
    ASSIGN_OR_RETURN(chain::NetworkDefinition network, read_network(directory));
    const Hash256 genesis_id = chain::genesis_id(network);
    auto node = WalletNode::of_directory(directory, genesis_id);
    if (!node.ok() && node_is == NodeIs::kNeeded) return node.error();
    ASSIGN_OR_RETURN(ChainReader chain, open_chain(directory));
    ASSIGN_OR_RETURN(WalletLock lock, lock_wallet(request.file));
    ASSIGN_OR_RETURN(wallet::Wallet wallet, open_wallet(request.file));
    if (!wallet.can_spend()) return wallet::watches_only();
    RETURN_IF_ERROR(wallet.find_used(used_on_chain(chain), wallet.gap()));
    (void)wallet.keys(wallet::kGap);  // so that secret_of knows them
    auto disk = std::make_unique<PosixDisk>(directory);
    auto records = std::make_unique<channel::RecordStore>(*disk);
    return WalletDesk{std::move(network),
                      genesis_id,
                      std::move(chain),
                      node.ok() ? std::optional<WalletNode>(*std::move(node)) : std::nullopt,
                      std::move(lock),
                      std::move(wallet),
                      std::move(disk),
                      std::move(records),
                      std::make_unique<SystemRandom>(),
                      {}};
}

Result<std::vector<wallet::OwnCoin>> WalletDesk::coins() const {
    CHECK(node.has_value());
    return node->coins(wallet.keys(wallet::kGap));
}

std::vector<channel::Record> WalletDesk::channels_among(
    const std::vector<wallet::OwnCoin>& coins) const {
    std::vector<channel::Record> found;
    for (const wallet::OwnCoin& coin : coins) {
        const auto terms = channel::terms_of(coin.outpoint, coin.output);
        if (!terms.ok()) continue;
        channel::Record record;
        record.genesis_id = genesis_id;
        record.terms = *terms;
        for (const auto role : {channel::Role::kPayer, channel::Role::kPayee}) {
            record.role = role;
            if (secret_of(record).ok()) found.push_back(record);
        }
    }
    return found;
}

Result<channel::Record> WalletDesk::find(channel::Role role, const std::string& name) const {
    std::vector<channel::Record> found;
    if (const auto outpoint = chain::parse_outpoint(name); outpoint.ok())
        if (auto record = records->find(role, *outpoint); record.ok()) return record;
    for (const channel::Record& record : records->list().records)
        if (record.role == role && record.genesis_id == genesis_id && is_named(record, name))
            found.push_back(record);
    if (found.empty() && node) {
        ASSIGN_OR_RETURN(const std::vector<wallet::OwnCoin> all, coins());
        for (const channel::Record& record : channels_among(all))
            if (record.role == role && is_named(record, name)) found.push_back(record);
    }
    const char* const direction = role == channel::Role::kPayer ? "from" : "to";
    if (found.empty())
        return not_found("there is no channel " + std::string(direction) +
                         " this wallet whose name begins with '" + name.substr(0, 80) +
                         "': `cairn wallet channel list` shows them");
    if (found.size() > 1)
        return Error{ErrorCode::kRefused, std::to_string(found.size()) + " channels begin with '" +
                                              name + "': give more digits of the name"};
    return found.front();
}

Result<crypto::SecretKey> WalletDesk::secret_of(const channel::Record& record) const {
    const bool pays = record.role == channel::Role::kPayer;
    const auto secret = wallet.secret_of(pays ? record.terms.payer : record.terms.payee);
    if (secret) return *secret;
    return Error{ErrorCode::kRefused, "the key of this channel is not the wallet's"};
}

}  // namespace cairn::cli
