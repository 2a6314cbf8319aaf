// `cairn wallet channel open|close|refund`: the payments by which a channel begins and ends.
#include <algorithm>
#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "channel/payee_channel.h"
#include "cli/chain/amount.h"
#include "cli/chain/data_directory.h"
#include "cli/chain/wallet_desk.h"
#include "cli/chain/wallet_order.h"
#include "console/json_line.h"

namespace cairn::cli {

namespace {

using Json = nlohmann::json;
using chain::amount_text;
using chain::outpoint_text;

constexpr std::uint64_t kDayMs = 86'400'000;
/// Blocks for which a payee takes vouchers, at least.
constexpr std::uint32_t kLeastUse = 10;

Result<std::uint32_t> expiry_of(const WalletRequest& request, const WalletDesk& desk) {
    const channel::Policy& policy = desk.policy;
    const std::uint32_t least = policy.confirmations + policy.closing_blocks + kLeastUse;
    std::uint64_t blocks = request.blocks;
    if (blocks == 0) blocks = std::max<std::uint64_t>(least, kDayMs / desk.network.spacing_ms);
    if (blocks < least)
        return misused(fmt::format(
            "--blocks: at least {} blocks are needed: a payee waits for {} before he takes a "
            "voucher, and takes none in the last {}",
            least, policy.confirmations, policy.closing_blocks));
    // By the chain on this disk: whoever answers as the node could name a height so far away that
    // the coins would be locked for ever.
    ASSIGN_OR_RETURN(const std::uint64_t height, height_of(desk.chain));
    const std::uint64_t expiry = height + blocks;
    if (expiry > ~std::uint32_t{0}) return misused("--blocks: there is no such height");
    return static_cast<std::uint32_t>(expiry);
}

/// All of it but the expiry.
Result<wallet::PaymentOrder> channel_order_of(const WalletRequest& request) {
    ASSIGN_OR_RETURN(const wallet::PaymentOrder order, order_of(request));
    const std::uint64_t least = channel::Policy{}.min_capacity;
    if (order.amount < least)
        return misused("--amount: a channel holds " + amount_text(least) +
                       " coins or more; payees take no smaller one");
    return order;
}

void say_opened(const WalletRequest& request, const OpenedChannel& opened, const WalletDesk& desk,
                std::ostream& out) {
    const channel::Terms& terms = opened.record.terms;
    const std::string name = outpoint_text(terms.outpoint);
    if (request.json)
        out << console::json_line(Json{{"channel", name},
                                       {"payment", to_hex(terms.outpoint.id)},
                                       {"amount", terms.capacity},
                                       {"fee", opened.fee},
                                       {"payee", to_hex(terms.payee)},
                                       {"expiry", terms.expiry}});
    else
        out << fmt::format(
            "Put {} aside for {} with a fee of {}.\nchannel {}\n"
            "He takes vouchers once {} blocks are on it, up to height {}; what is left is yours "
            "again from height {} on.\nPay: cairn wallet channel pay {} AMOUNT{}\n",
            amount_text(terms.capacity), request.to, amount_text(opened.fee), name,
            desk.policy.confirmations, channel::last_call(terms.expiry, desk.policy) - 1,
            terms.expiry, name.substr(0, 12), dir_words(request.file.directory));
    if (!out.flush()) say("the channel is opened all the same, with the name " + name);
}

/// The record is written first: whatever happens then, the wallet knows its channel.
Status submit_opening(WalletDesk& desk, const chain::Payment& payment,
                      const channel::Record& record) {
    if (const auto put = desk.records->put(record); !put.ok()) return put.error();
    const Status paid = desk.node->pay(payment);
    const bool refused = !paid.ok() && (paid.error().code == ErrorCode::kInvalid ||
                                        paid.error().code == ErrorCode::kRefused);
    if (refused) (void)desk.records->forget(channel::Role::kPayer, record.terms.outpoint);
    return paid;
}

/// What --fee says, before anything is opened; nothing: what the next block asks for.
Result<std::optional<std::uint64_t>> asked_fee(const WalletRequest& request) {
    if (request.fee.empty()) return std::optional<std::uint64_t>();
    ASSIGN_OR_RETURN(const std::uint64_t fee, parse_amount(request.fee, "a fee"));
    return std::optional(fee);
}

std::uint64_t ending_fee(const std::optional<std::uint64_t>& asked, const WalletDesk& desk,
                         const channel::Record& record) {
    return asked ? *asked : desk.node->fee_rate() * channel::settling_bytes(record);
}

/// kRefused unless the chain has the channel, unspent.
Status check_open(const WalletDesk& desk, const channel::Record& record) {
    ASSIGN_OR_RETURN(const std::vector<wallet::OwnCoin> coins, desk.coins());
    const auto found = std::ranges::find(coins, record.terms.outpoint, &wallet::OwnCoin::outpoint);
    const std::string name = outpoint_text(record.terms.outpoint);
    if (found == coins.end())
        return Error{ErrorCode::kRefused,
                     "channel " + name +
                         " is not on the chain: it was closed or taken back, or "
                         "never got into a block"};
    if (found->pending)
        return Error{ErrorCode::kRefused,
                     "channel " + name + " waits in the node's pool: it is in no block yet"};
    return ok_status();
}

void say_ended(const WalletRequest& request, const channel::Record& record,
               const chain::Payment& payment, std::uint64_t fee, std::ostream& out) {
    const bool closes = record.role == channel::Role::kPayee;
    const std::string id = to_hex(chain::payment_id(payment));
    const std::uint64_t ours = payment.outputs[0].amount;
    const std::uint64_t theirs = payment.outputs.size() > 1 ? payment.outputs[1].amount : 0;
    if (request.json) {
        Json answer{{"channel", outpoint_text(record.terms.outpoint)},
                    {"payment", id},
                    {"received", ours},
                    {"fee", fee}};
        if (closes) answer["returned"] = theirs;
        out << console::json_line(answer);
    } else if (closes) {
        out << fmt::format(
            "Closed: {} for you with a fee of {}, {} back to the payer.\npayment {}\n",
            amount_text(ours), amount_text(fee), amount_text(theirs), id);
    } else {
        out << fmt::format("Took {} back with a fee of {}.\npayment {}\n", amount_text(ours),
                           amount_text(fee), id);
    }
    if (!out.flush()) say("the payment is made all the same, with the id " + id);
}

}  // namespace

Result<OpenedChannel> open_channel(const WalletRequest& request, WalletDesk& desk) {
    ASSIGN_OR_RETURN(wallet::PaymentOrder order, channel_order_of(request));
    ASSIGN_OR_RETURN(order.channel_expiry, expiry_of(request, desk));
    ASSIGN_OR_RETURN(std::vector<wallet::OwnCoin> coins, desk.coins());
    if (desk.wallet.secret_of(order.to))
        return misused("--to: this is an address of this wallet; a channel pays somebody else");
    const auto pooled = paid_in_pool(coins);
    ASSIGN_OR_RETURN(coins, coins_for(request, desk.node->fee_rate(), std::move(coins), order));
    ASSIGN_OR_RETURN(const std::uint32_t change, desk.wallet.change_index(desk.used(), pooled));
    const crypto::PublicKey payer = desk.wallet.key(wallet::Chain::kChange, change);
    ASSIGN_OR_RETURN(
        const chain::Payment payment,
        wallet::make_payment(desk.wallet, desk.genesis_id, coins, order, payer, *desk.random));
    channel::Record record;
    record.genesis_id = desk.genesis_id;
    record.note = (request.note.empty() ? request.to : request.note).substr(0, channel::kMaxNote);
    ASSIGN_OR_RETURN(record.terms,
                     channel::terms_of({chain::payment_id(payment), 0}, payment.outputs[0]));
    RETURN_IF_ERROR(submit_opening(desk, payment, record));
    const Status kept = desk.wallet.keep(wallet::Chain::kChange, change, *desk.random);
    if (!kept.ok())
        say("the channel is opened, but the wallet's file could not be written (" +
            kept.error().message + "). Nothing is lost: the wallet finds it on the chain.");
    return OpenedChannel{std::move(record), order.fee};
}

Status run_channel_open(const WalletRequest& request, std::ostream& out) {
    RETURN_IF_ERROR(channel_order_of(request));  // before anything is opened
    ASSIGN_OR_RETURN(WalletDesk desk, WalletDesk::open(request, WalletDesk::NodeIs::kNeeded));
    ASSIGN_OR_RETURN(const OpenedChannel opened, open_channel(request, desk));
    say_opened(request, opened, desk, out);
    return ok_status();
}

Status run_channel_close(const WalletRequest& request, std::ostream& out) {
    ASSIGN_OR_RETURN(const auto asked, asked_fee(request));
    ASSIGN_OR_RETURN(const WalletDesk desk, WalletDesk::open(request, WalletDesk::NodeIs::kNeeded));
    ASSIGN_OR_RETURN(channel::Record record, desk.find(channel::Role::kPayee, request.channel));
    if (desk.node->height() + 1 >= record.terms.expiry)
        return Error{ErrorCode::kRefused,
                     fmt::format("the channel expired at height {}: it is its payer's again",
                                 record.terms.expiry)};
    RETURN_IF_ERROR(check_open(desk, record));
    ASSIGN_OR_RETURN(const crypto::SecretKey secret, desk.secret_of(record));
    const std::uint64_t fee = ending_fee(asked, desk, record);
    RETURN_IF_ERROR(channel::check_close_pays(record, fee));
    RETURN_IF_ERROR(check_amounts(record.paid, fee, request.high_fee));
    const auto closing = channel::PayeeChannel(*desk.records, record).begin_closing();
    if (closing.ok())
        record = *closing;
    else
        say("whoever serves on this channel will not notice that it is closed: " +
            closing.error().message);
    ASSIGN_OR_RETURN(const chain::Payment payment,
                     channel::close_payment(record, secret, fee, *desk.random));
    RETURN_IF_ERROR(desk.node->pay(payment));
    say_ended(request, record, payment, fee, out);
    return ok_status();
}

Status run_channel_refund(const WalletRequest& request, std::ostream& out) {
    ASSIGN_OR_RETURN(const auto asked, asked_fee(request));
    ASSIGN_OR_RETURN(const WalletDesk desk, WalletDesk::open(request, WalletDesk::NodeIs::kNeeded));
    ASSIGN_OR_RETURN(const channel::Record record,
                     desk.find(channel::Role::kPayer, request.channel));
    const std::uint32_t next = desk.node->height() + 1;
    if (next < record.terms.expiry)
        return Error{ErrorCode::kRefused,
                     fmt::format("the channel is its payee's until height {}, which is {} blocks "
                                 "away",
                                 record.terms.expiry, record.terms.expiry - next)};
    RETURN_IF_ERROR(check_open(desk, record));
    ASSIGN_OR_RETURN(const crypto::SecretKey secret, desk.secret_of(record));
    const std::uint64_t fee = ending_fee(asked, desk, record);
    ASSIGN_OR_RETURN(const chain::Payment payment,
                     channel::refund_payment(record, secret, fee, *desk.random));
    RETURN_IF_ERROR(check_amounts(record.terms.capacity, fee, request.high_fee));
    RETURN_IF_ERROR(desk.node->pay(payment));
    say_ended(request, record, payment, fee, out);
    return ok_status();
}

}  // namespace cairn::cli
