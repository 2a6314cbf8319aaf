// `cairn wallet send`: asks the running node which coins the wallet's keys can spend, signs a
// payment here, and hands it to the node. Secrets never leave this process, and nothing in the
// wallet changes before the node has taken the payment.
#include <algorithm>
#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/explain.h"
#include "base/random.h"
#include "cli/chain/data_directory.h"
#include "cli/chain/wallet_chain.h"
#include "cli/chain/wallet_command.h"
#include "cli/chain/wallet_node.h"
#include "cli/chain/wallet_order.h"
#include "console/json_line.h"
#include "wallet/spend.h"

namespace cairn::cli {

namespace {

using Json = nlohmann::json;
using api::amount_text;

Status check_funds(const std::vector<wallet::OwnCoin>& coins, const wallet::PaymentOrder& order,
                   std::uint64_t spacing_ms) {
    const wallet::Balance balance = wallet::balance_of(coins);
    const std::uint64_t needed = order.amount + order.fee;
    if (needed <= balance.spendable) return ok_status();
    const std::string have = fmt::format("{} needed with the fee, {} can be spent now",
                                         amount_text(needed), amount_text(balance.spendable));
    if (balance.pending > 0 && needed <= balance.spendable + balance.pending)
        return Error{ErrorCode::kRefused,
                     fmt::format("wait for the next block (one every {} s or so): {}, and {} more "
                                 "once payments that wait in the node's pool are in a block",
                                 std::max<std::uint64_t>(1, spacing_ms / 1000), have,
                                 amount_text(balance.pending))};
    const bool later = needed <= balance.spendable + balance.pending + balance.maturing;
    std::string message = (later ? "not enough coins yet: " : "not enough coins: ") + have;
    if (balance.pending > 0)
        message += fmt::format(", {} wait in the node's pool", amount_text(balance.pending));
    if (balance.maturing > 0 || balance.pending == 0)
        message += fmt::format(", {} are maturing", amount_text(balance.maturing));
    return Error{ErrorCode::kRefused, std::move(message)};
}

/// Called after the node has taken the payment. If this fails, the change is not lost: a later scan
/// of the chain finds it.
void keep_change(wallet::Wallet& wallet, std::uint32_t change, Random& random) {
    const Status kept = wallet.keep(wallet::Chain::kChange, change, random);
    if (kept.ok()) return;
    say("the payment is made, but the wallet's file could not be written (" + kept.error().message +
        "). Nothing is lost: the wallet finds its change on the chain.");
}

void say_sent(const WalletRequest& request, const wallet::PaymentOrder& order,
              const chain::Payment& payment, std::ostream& out) {
    const std::string id = to_hex(chain::payment_id(payment));
    if (request.json)
        out << console::json_line(Json{{"payment", id},
                                       {"amount", order.amount},
                                       {"fee", order.fee},
                                       {"inputs", payment.inputs.size()}});
    else
        out << fmt::format(
            "Sent {} to {} with a fee of {}.\npayment {}\nSee where it is: cairn explain {}{}\n",
            amount_text(order.amount), request.to, amount_text(order.fee), id, id.substr(0, 12),
            dir_words(request.file.directory));
    // The exit code will say failure: make sure that nobody pays a second time for that.
    if (!out.flush()) say("the payment is made all the same, with the id " + id);
}

}  // namespace

Status run_wallet_send(const WalletRequest& request, std::ostream& out) {
    ASSIGN_OR_RETURN(wallet::PaymentOrder order, order_of(request));
    const std::string& directory = request.file.directory;
    ASSIGN_OR_RETURN(const chain::NetworkDefinition network, read_network(directory));
    const Hash256 genesis_id = chain::genesis_id(network);
    ASSIGN_OR_RETURN(const WalletNode node, WalletNode::of_directory(directory, genesis_id));
    ASSIGN_OR_RETURN(const ChainReader chain, open_chain(directory));
    const wallet::Wallet::Used used = used_on_chain(chain);

    // Two payments at once would choose the same coins.
    ASSIGN_OR_RETURN(const WalletLock lock, lock_wallet(request.file));
    ASSIGN_OR_RETURN(wallet::Wallet wallet, open_wallet(request.file));
    if (!wallet.can_spend()) return wallet::watches_only();
    RETURN_IF_ERROR(wallet.find_used(used, wallet.gap()));
    // Some keys beyond those in use, too: payments in the pool may go to keys not yet on the chain.
    ASSIGN_OR_RETURN(std::vector<wallet::OwnCoin> coins, node.coins(wallet.keys(wallet::kGap)));
    RETURN_IF_ERROR(check_funds(coins, order, network.spacing_ms));
    const auto pooled = paid_in_pool(coins);
    ASSIGN_OR_RETURN(coins, coins_for(request, node.fee_rate(), std::move(coins), order));
    ASSIGN_OR_RETURN(const std::uint32_t change, wallet.change_index(used, pooled));
    SystemRandom random;
    ASSIGN_OR_RETURN(const chain::Payment payment,
                     wallet::make_payment(wallet, genesis_id, coins, order,
                                          wallet.key(wallet::Chain::kChange, change), random));
    RETURN_IF_ERROR(node.pay(payment));
    const bool has_change = payment.outputs.size() > 1;
    if (has_change) keep_change(wallet, change, random);
    say_sent(request, order, payment, out);
    return ok_status();
}

}  // namespace cairn::cli
