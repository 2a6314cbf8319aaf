// `cairn wallet address|xpub|balance|history`: looks at a wallet, at the chain on this disk, and,
// where a node runs, at its pool.
#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/explain.h"
#include "base/random.h"
#include "base/time_text.h"
#include "channel/record_store.h"
#include "cli/chain/data_directory.h"
#include "cli/chain/wallet_chain.h"
#include "cli/chain/wallet_command.h"
#include "cli/chain/wallet_node.h"
#include "console/json_line.h"
#include "console/screen_text.h"
#include "node/block_records.h"
#include "wallet/address.h"

namespace cairn::cli {

namespace {

using Json = nlohmann::json;
using api::amount_text;

constexpr std::size_t kWholeHistory = 10'000'000;
/// A balance does not wait long for a node that is busy with a merge block.
constexpr std::uint64_t kBalanceTimeoutMs = 3'000;
constexpr const char* kWatching = "This wallet only watches: it cannot spend.\n";

constexpr std::array<const char*, wallet::kChains> kChainNames{"receive", "change", "coinbase",
                                                               "contribution"};

/// A payment as the whole wallet sees it: change from one of its keys to another is no income.
struct Entry {
    store::HistoryEntry first;
    std::uint64_t received = 0;
    std::uint64_t spent = 0;
    std::uint64_t locked = 0;    ///< put into channels of ours
    std::uint64_t released = 0;  ///< was in channels of ours
    bool opened_to_us = false, closed_to_us = false;
};

/// What kind of a payment it is to this wallet, in a word or two.
std::string kind_of(const Entry& entry) {
    if (entry.first.coinbase) return "minted";
    if (entry.locked > 0) return "channel opened";
    if (entry.opened_to_us) return "channel to us";
    if (entry.closed_to_us) return entry.received > 0 ? "channel paid" : "channel gone";
    if (entry.released > 0) return "channel ended";
    return "payment";
}

Result<std::vector<Entry>> history_of(const wallet::Wallet& wallet, const store::Store& store) {
    std::map<std::pair<std::uint64_t, std::uint32_t>, Entry> entries;
    const auto add = [&](const crypto::PublicKey& name, auto enter) -> Status {
        ASSIGN_OR_RETURN(const auto found, store.history(name, kWholeHistory));
        for (const store::HistoryEntry& line : found) {
            Entry& entry = entries[{line.place.height, line.place.position}];
            entry.first = line;
            enter(entry, line);
        }
        return ok_status();
    };
    for (const crypto::PublicKey& key : wallet.keys()) {
        RETURN_IF_ERROR(add(key, [](Entry& entry, const store::HistoryEntry& line) {
            entry.received += line.received;
            entry.spent += line.spent;
        }));
        RETURN_IF_ERROR(
            add(node::channels_from(key), [](Entry& entry, const store::HistoryEntry& line) {
                entry.locked += line.received;
                entry.released += line.spent;
            }));
        RETURN_IF_ERROR(
            add(node::channels_to(key), [](Entry& entry, const store::HistoryEntry& line) {
                entry.opened_to_us |= line.received > 0;
                entry.closed_to_us |= line.spent > 0;
            }));
    }
    std::vector<Entry> newest_first;
    for (auto it = entries.rbegin(); it != entries.rend(); ++it) newest_first.push_back(it->second);
    return newest_first;
}

std::string signed_amount(const Entry& entry) {
    if (entry.received >= entry.spent) return "+" + amount_text(entry.received - entry.spent);
    return "-" + amount_text(entry.spent - entry.received);
}

/// What is in channels of ours at the tip.
std::uint64_t locked_on_chain(const std::vector<Entry>& entries) {
    std::uint64_t in = 0, out = 0;
    for (const Entry& entry : entries) {
        in += entry.locked;
        out += entry.released;
    }
    return in - std::min(in, out);
}

wallet::Balance balance_on_chain(const std::vector<Entry>& entries, std::uint64_t height,
                                 std::uint64_t maturity) {
    std::uint64_t received = 0, spent = 0;
    wallet::Balance balance;
    for (const Entry& entry : entries) {
        received += entry.received;
        spent += entry.spent;
        // A coin of block h can be spent in block h + maturity: the next one is height + 1.
        if (entry.first.coinbase && entry.first.place.height + maturity > height + 1)
            balance.maturing += entry.received;
    }
    const std::uint64_t total = received - std::min(received, spent);
    balance.spendable = total - std::min(total, balance.maturing);
    return balance;
}

/// What payments in the running node's pool change about it; false where no node can be asked.
bool add_pool(const WalletRequest& request, const ChainReader& chain, const wallet::Wallet& wallet,
              wallet::Balance& balance) {
    const auto node = WalletNode::of_directory(request.file.directory,
                                               chain::genesis_id(chain.network), kBalanceTimeoutMs);
    if (!node.ok()) return false;
    const auto coins = node->coins(wallet.keys(wallet::kGap));
    if (!coins.ok()) {
        say("payments that wait in the node's pool are not counted: " + coins.error().message);
        return false;
    }
    for (const wallet::OwnCoin& coin : *coins) {
        if (coin.output.kind != chain::OutputKind::kKey) continue;
        if (coin.pending) balance.pending += coin.output.amount;
        if (coin.spent) balance.spendable -= std::min(balance.spendable, coin.output.amount);
    }
    return true;
}

/// Opens the wallet and adds the keys that payments on the chain show to be in use.
Result<wallet::Wallet> open_and_look(const WalletRequest& request, const ChainReader& chain) {
    ASSIGN_OR_RETURN(wallet::Wallet wallet, open_wallet(request.file));
    RETURN_IF_ERROR(wallet.find_used(used_on_chain(chain), wallet.gap()));
    return wallet;
}

Status list_addresses(const WalletRequest& request, const wallet::Wallet& wallet,
                      const wallet::Wallet::Used& used, std::ostream& out) {
    Json list = Json::array();
    const std::size_t chains = wallet.account().chains();
    for (std::size_t chain = 0; chain < chains; ++chain) {
        const auto use = static_cast<wallet::Chain>(chain);
        for (std::uint32_t i = 0; i < wallet.handed_out(use); ++i) {
            const std::string address = wallet::encode_address(wallet.key(use, i));
            ASSIGN_OR_RETURN(const bool known, used(wallet.key(use, i)));
            const char* name = chains == 1 ? "any" : kChainNames[chain];
            if (request.json)
                list.push_back(
                    {{"chain", name}, {"index", i}, {"address", address}, {"used", known}});
            else
                out << fmt::format("{:<12} {:>6}{}\n", name, i, known ? "  used" : "") << "  "
                    << address << '\n';
        }
    }
    if (request.json) out << console::json_line(Json{{"addresses", list}});
    return ok_status();
}

void show_address(const WalletRequest& request, const crypto::PublicKey& key, std::ostream& out) {
    const std::string address = wallet::encode_address(key);
    if (request.json)
        out << console::json_line(Json{{"address", address}, {"key", to_hex(key)}});
    else
        out << address << '\n';
}

Status check_reach(const wallet::Wallet& wallet, const wallet::Wallet::Used& used, bool chain) {
    using wallet::Chain;
    ASSIGN_OR_RETURN(const std::uint32_t reach, wallet.reach_of_restore(Chain::kReceive, used));
    if (wallet.handed_out(Chain::kReceive) < reach) return ok_status();
    return Error{
        ErrorCode::kRefused,
        fmt::format("{} addresses in a row were given out and {}: a wallet restored from its "
                    "words would not look further by itself, so coins on another one would be "
                    "found only by `cairn wallet rescan --gap N`. Give out one of those again "
                    "(`cairn wallet address --all`), or say --force",
                    wallet::kGap,
                    chain ? "nobody has paid to them yet" : "no chain is here to see who paid")};
}

}  // namespace

Status run_wallet_address(const WalletRequest& request, std::ostream& out) {
    std::optional<WalletLock> lock;
    if (request.fresh) {
        ASSIGN_OR_RETURN(lock, lock_wallet(request.file));
    }
    ASSIGN_OR_RETURN(wallet::Wallet wallet, open_wallet(request.file));
    ASSIGN_OR_RETURN(const auto chain, open_chain_if_there(request.file.directory));
    const wallet::Wallet::Used used = used_on_chain(chain);
    if (request.all || request.fresh) RETURN_IF_ERROR(wallet.find_used(used, wallet.gap()));
    if (request.all) return list_addresses(request, wallet, used, out);
    if (request.fresh) {
        if (!request.force) RETURN_IF_ERROR(check_reach(wallet, used, chain.has_value()));
        SystemRandom random;
        ASSIGN_OR_RETURN(const crypto::PublicKey key, wallet.fresh_key(random));
        show_address(request, key, out);
        // If the address could not be shown, it does not count as given out.
        if (!out.flush()) RETURN_IF_ERROR(wallet.take_back(random));
        return ok_status();
    }
    show_address(request, wallet.main_key(), out);
    return ok_status();
}

Status run_wallet_xpub(const WalletRequest& request, std::ostream& out) {
    ASSIGN_OR_RETURN(const wallet::Wallet wallet, open_wallet(request.file));
    const auto& key = wallet.account().extended_public();
    if (!key)
        return Error{ErrorCode::kUnsupported,
                     "this is a wallet of the older kind, whose keys do not follow from a public "
                     "one: make a new wallet and send the coins there"};
    const std::string text = wallet::encode_public(*key);
    if (request.json)
        out << console::json_line(
            Json{{"xpub", text},
                 {"path", fmt::format("m/{}'/{}'/0'", wallet::kPurpose, wallet::kCoinType)}});
    else
        out << text << '\n';
    return ok_status();
}

Status run_wallet_balance(const WalletRequest& request, std::ostream& out) {
    ASSIGN_OR_RETURN(const ChainReader chain, open_chain(request.file.directory));
    ASSIGN_OR_RETURN(const wallet::Wallet wallet, open_and_look(request, chain));
    ASSIGN_OR_RETURN(const std::vector<Entry> entries, history_of(wallet, *chain.store));
    ASSIGN_OR_RETURN(const std::uint64_t height, height_of(chain));
    wallet::Balance balance = balance_on_chain(entries, height, chain.network.coinbase_maturity);
    const std::uint64_t locked = locked_on_chain(entries);
    const bool pool = add_pool(request, chain, wallet, balance);
    if (request.json) {
        out << console::json_line(
            Json{{"spendable", balance.spendable},
                 {"maturing", balance.maturing},
                 {"pending", balance.pending},
                 {"locked", locked},
                 {"total", balance.spendable + balance.maturing + balance.pending + locked},
                 {"height", height},
                 {"pool_seen", pool},
                 {"watch_only", !wallet.can_spend()}});
        return ok_status();
    }
    out << fmt::format("{:<10} {:>20}\nmaturing   {:>20}\n",
                       wallet.can_spend() ? "spendable" : "confirmed",
                       amount_text(balance.spendable), amount_text(balance.maturing));
    if (balance.pending > 0)
        out << fmt::format("pending    {:>20}  in the node's pool: yours after the next block\n",
                           amount_text(balance.pending));
    if (locked > 0)
        out << fmt::format("locked     {:>20}  in channels: cairn wallet channel list",
                           amount_text(locked))
            << dir_words(request.file.directory) << '\n';
    out << fmt::format("at height {}\n", height);
    if (!wallet.can_spend()) out << kWatching;
    return ok_status();
}

namespace {

/// What channels are for, by the payment that opened them.
std::map<Hash256, std::string> channel_notes(const std::string& directory) {
    PosixDisk disk(directory);
    std::map<Hash256, std::string> notes;
    for (const channel::Record& record : channel::RecordStore(disk).list().records)
        notes[record.terms.outpoint.id] = record.note;
    return notes;
}

}  // namespace

Status run_wallet_history(const WalletRequest& request, std::ostream& out) {
    ASSIGN_OR_RETURN(const ChainReader chain, open_chain(request.file.directory));
    ASSIGN_OR_RETURN(const wallet::Wallet wallet, open_and_look(request, chain));
    ASSIGN_OR_RETURN(std::vector<Entry> entries, history_of(wallet, *chain.store));
    if (entries.size() > request.max) entries.resize(request.max);
    Json list = Json::array();
    const std::map<Hash256, std::string> notes = channel_notes(request.file.directory);
    if (!request.json && !entries.empty())
        out << fmt::format("{:<16}  {:>8} {:>18}  {:<14} {}\n", "time (UTC)", "block", "coins",
                           "what", "payment");
    for (const Entry& entry : entries) {
        const auto noted = notes.find(entry.first.payment);
        const std::string note = noted == notes.end() ? "" : noted->second;
        const store::PaymentPlace& place = entry.first.place;
        ASSIGN_OR_RETURN(const store::HeaderRecord record, chain.store->header(place.block));
        ASSIGN_OR_RETURN(const chain::BlockHeader header, chain::decode_header(record.header));
        if (request.json)
            list.push_back({{"payment", to_hex(entry.first.payment)},
                            {"height", place.height},
                            {"time_ms", header.time_ms},
                            {"minted", entry.first.coinbase},
                            {"kind", kind_of(entry)},
                            {"note", note},
                            {"received", entry.received},
                            {"spent", entry.spent},
                            {"locked", entry.locked},
                            {"released", entry.released}});
        else
            out << fmt::format("{}  {:>8} {:>18}  {:<14} {}\n", minute_text(header.time_ms),
                               place.height, signed_amount(entry), kind_of(entry),
                               short_hex(entry.first.payment))
                << (note.empty() ? "" : console::in_80_columns("  for " + note));
    }
    if (request.json) {
        out << console::json_line(Json{{"history", list}});
        return ok_status();
    }
    if (entries.empty()) out << "No payment to or from this wallet yet.\n";
    if (!wallet.can_spend()) out << kWatching;
    return ok_status();
}

}  // namespace cairn::cli
