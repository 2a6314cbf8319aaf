// `cairn wallet channel list|pay|accept`: what needs no block. Vouchers are 280 hexadecimal digits;
// what was signed or taken is on disk before it is said.
#include <algorithm>
#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "channel/payee_channel.h"
#include "channel/payer_channel.h"
#include "cli/chain/amount.h"
#include "cli/chain/wallet_desk.h"
#include "console/json_line.h"
#include "console/screen_text.h"
#include "wallet/address.h"

namespace cairn::cli {

namespace {

using Json = nlohmann::json;
using chain::amount_text;
using chain::outpoint_text;

/// Where a channel stands, in a word. `coins` is empty where no node can be asked.
std::string state_of(const channel::Record& record,
                     const std::optional<std::vector<wallet::OwnCoin>>& coins,
                     std::uint64_t height) {
    const bool expired = height + 1 >= record.terms.expiry;
    if (!coins) return expired ? "expired" : "unknown";
    const auto found = std::ranges::find(*coins, record.terms.outpoint, &wallet::OwnCoin::outpoint);
    if (found == coins->end()) return "ended";
    if (found->pending) return "opening";
    if (found->spent) return "ending";
    return expired ? "expired" : "open";
}

/// Records, and channels on the chain of which there is none.
std::vector<channel::Record> all_channels(
    const WalletDesk& desk, const std::optional<std::vector<wallet::OwnCoin>>& coins) {
    std::vector<channel::Record> all;
    const channel::RecordStore::Listing listing = desk.records->list();
    for (const std::string& file : listing.damaged)
        say("the record " + file + " is damaged and cannot be read");
    for (const channel::Record& record : listing.records)
        if (record.genesis_id == desk.genesis_id) all.push_back(record);
    if (!coins) return all;
    for (const channel::Record& record : desk.channels_among(*coins)) {
        const bool known = std::ranges::any_of(all, [&](const channel::Record& other) {
            return other.role == record.role && other.terms.outpoint == record.terms.outpoint;
        });
        if (!known) all.push_back(record);
    }
    return all;
}

Result<chain::Voucher> voucher_from(const std::string& text) {
    const auto bytes = from_hex(text);
    if (!bytes.ok() || bytes->size() != chain::kVoucherBytes)
        return misused(
            fmt::format("this is no voucher: it has {} hexadecimal digits, as `cairn wallet "
                        "channel pay` prints them",
                        2 * chain::kVoucherBytes));
    return chain::decode_voucher(*bytes);
}

/// The record of the channel that a voucher is for; a new one if it is admitted.
Result<channel::Record> payee_record(const WalletDesk& desk, const chain::Voucher& voucher) {
    if (voucher.genesis_id != desk.genesis_id)
        return Error{ErrorCode::kRefused, "the voucher is of another network"};
    auto record = desk.records->find(channel::Role::kPayee, voucher.channel);
    if (record.ok() || record.error().code != ErrorCode::kNotFound) return record;
    ASSIGN_OR_RETURN(const std::vector<wallet::OwnCoin> coins, desk.coins());
    const auto found = std::ranges::find(coins, voucher.channel, &wallet::OwnCoin::outpoint);
    if (found == coins.end() || found->output.kind != chain::OutputKind::kChannel)
        return Error{ErrorCode::kRefused, "the chain has no channel " +
                                              outpoint_text(voucher.channel) +
                                              " to this wallet; was it closed, or is it in no "
                                              "block yet?"};
    if (found->pending)
        return Error{ErrorCode::kRefused, "the channel is in no block yet; " +
                                              std::to_string(desk.policy.confirmations) +
                                              " must be on it"};
    channel::Record mine;
    mine.role = channel::Role::kPayee;
    ASSIGN_OR_RETURN(mine.terms, channel::terms_of(voucher.channel, found->output));
    RETURN_IF_ERROR(desk.secret_of(mine).ok()
                        ? ok_status()
                        : Status(Error{ErrorCode::kRefused, "the channel pays somebody else"}));
    return channel::admit(desk.genesis_id, voucher.channel,
                          {found->output, static_cast<std::uint32_t>(found->height)},
                          found->output.payee, desk.node->height(), desk.policy);
}

}  // namespace

Status run_channel_list(const WalletRequest& request, std::ostream& out) {
    ASSIGN_OR_RETURN(const WalletDesk desk,
                     WalletDesk::open(request, WalletDesk::NodeIs::kOptional));
    std::optional<std::vector<wallet::OwnCoin>> coins;
    if (desk.node) {
        ASSIGN_OR_RETURN(coins, desk.coins());
    }
    ASSIGN_OR_RETURN(const std::uint64_t height, height_of(desk.chain));
    const std::vector<channel::Record> all = all_channels(desk, coins);
    Json list = Json::array();
    for (const channel::Record& record : all) {
        const channel::Terms& terms = record.terms;
        const bool pays = record.role == channel::Role::kPayer;
        const std::string other = wallet::encode_address(pays ? terms.payee : terms.payer);
        const std::string state = state_of(record, coins, height);
        if (request.json)
            list.push_back({{"channel", outpoint_text(terms.outpoint)},
                            {"role", pays ? "payer" : "payee"},
                            {"other", other},
                            {"note", record.note},
                            {"amount", terms.capacity},
                            {"paid", record.paid},
                            {"left", terms.capacity - record.paid},
                            {"expiry", terms.expiry},
                            {"state", state}});
        else
            out << fmt::format("{}  {:<8} {:>14} of {:<14} expires at {}\n",
                               outpoint_text(terms.outpoint).substr(0, 12), state,
                               amount_text(record.paid), amount_text(terms.capacity), terms.expiry)
                << console::in_80_columns((pays ? "  to " : "  from ") + other)
                << (record.note.empty() || record.note == other
                        ? ""
                        : console::in_80_columns("  " + record.note));
    }
    if (request.json)
        out << console::json_line(
            Json{{"channels", list}, {"height", height}, {"node_asked", coins.has_value()}});
    else if (all.empty())
        out << "No channel from or to this wallet yet.\n";
    return ok_status();
}

Status run_channel_pay(const WalletRequest& request, std::ostream& out) {
    ASSIGN_OR_RETURN(const std::uint64_t more, parse_amount(request.amount));
    ASSIGN_OR_RETURN(const WalletDesk desk,
                     WalletDesk::open(request, WalletDesk::NodeIs::kOptional));
    ASSIGN_OR_RETURN(channel::Record record, desk.find(channel::Role::kPayer, request.channel));
    ASSIGN_OR_RETURN(const crypto::SecretKey secret, desk.secret_of(record));
    // 0: the latest once more.
    if (more > 0 || record.paid == 0)
        RETURN_IF_ERROR(channel::sign_voucher(*desk.records, record, secret,
                                              channel::add_up(record.paid, more), *desk.random));
    const std::string text = to_hex(chain::encode(channel::voucher_of(record)));
    if (request.json)
        out << console::json_line(Json{{"channel", outpoint_text(record.terms.outpoint)},
                                       {"amount", more},
                                       {"paid", record.paid},
                                       {"left", record.terms.capacity - record.paid},
                                       {"voucher", text}});
    else
        out << fmt::format("{}\n", text);
    if (!out.flush())
        say("the voucher is signed all the same: `cairn wallet channel pay " +
            outpoint_text(record.terms.outpoint) + " 0` prints it again");
    return ok_status();
}

Status run_channel_accept(const WalletRequest& request, std::ostream& out) {
    ASSIGN_OR_RETURN(const chain::Voucher voucher, voucher_from(request.voucher));
    ASSIGN_OR_RETURN(const WalletDesk desk, WalletDesk::open(request, WalletDesk::NodeIs::kNeeded));
    ASSIGN_OR_RETURN(channel::Record record, payee_record(desk, voucher));
    channel::PayeeChannel mine(*desk.records, std::move(record));
    ASSIGN_OR_RETURN(
        const std::uint64_t more,
        mine.accept(voucher,
                    channel::height_by_now(desk.node->chain_seen(), desk.network.spacing_ms,
                                           SystemClock().wall_ms()),
                    desk.policy));
    const channel::Terms& terms = mine.record().terms;
    if (request.json)
        out << console::json_line(Json{{"channel", outpoint_text(terms.outpoint)},
                                       {"received", more},
                                       {"paid", mine.paid()},
                                       {"left", terms.capacity - mine.paid()},
                                       {"expiry", terms.expiry}});
    else
        out << fmt::format(
            "{} more, {} of {} in all. Yours once the channel is closed, before height {}: cairn "
            "wallet channel close {}\n",
            amount_text(more), amount_text(mine.paid()), amount_text(terms.capacity), terms.expiry,
            outpoint_text(terms.outpoint).substr(0, 12));
    return ok_status();
}

}  // namespace cairn::cli
