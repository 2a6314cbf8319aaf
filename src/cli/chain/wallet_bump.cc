// `cairn wallet bump`: a payment that waits in the node's pool is replaced by the same one with a
// higher fee. Both spend the same coins, so at most one of them will ever be in a block.
#include <algorithm>
#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/random.h"
#include "chain/payment.h"
#include "cli/chain/amount.h"
#include "cli/chain/data_directory.h"
#include "cli/chain/wallet_chain.h"
#include "cli/chain/wallet_command.h"
#include "cli/chain/wallet_node.h"
#include "console/json_line.h"

namespace cairn::cli {

namespace {

using Json = nlohmann::json;
using chain::amount_text;

struct Plan {
    std::uint64_t fee = 0;
    std::vector<wallet::OwnCoin> more;  ///< besides the coins that it spends already
};

/// What is left of the coins when the recipients have their amounts.
std::uint64_t for_fee_and_change(const wallet::WaitingPayment& old) {
    std::uint64_t sum = 0;
    for (const wallet::OwnCoin& coin : old.coins) sum += coin.output.amount;
    return sum - std::min(sum, old.paid);
}

Result<Plan> plan_for(const wallet::WaitingPayment& old, const std::vector<wallet::OwnCoin>& coins,
                      const std::string& fee, std::uint64_t fee_rate) {
    Plan plan;
    const std::uint64_t there = for_fee_and_change(old);
    while (true) {
        plan.fee = wallet::replacing_fee(old, plan.more.size(), fee_rate);
        if (!fee.empty()) {
            ASSIGN_OR_RETURN(plan.fee, parse_amount(fee, "a fee"));
            if (plan.fee <= old.fee)
                return misused("--fee: the payment pays " + amount_text(old.fee) +
                               " already; a higher fee is needed to replace it");
        }
        if (plan.fee <= there) return plan;
        // More coins make more bytes, and these a higher fee, which never needs fewer coins.
        ASSIGN_OR_RETURN(std::vector<wallet::OwnCoin> more,
                         wallet::choose_coins(coins, plan.fee - there));
        if (more.size() <= plan.more.size()) return plan;
        plan.more = std::move(more);
    }
}

void say_bumped(const WalletRequest& request, const wallet::WaitingPayment& old,
                const chain::Payment& payment, std::uint64_t fee, std::ostream& out) {
    const std::string id = to_hex(chain::payment_id(payment));
    const std::uint64_t amount = old.paid;
    if (request.json)
        out << console::json_line(Json{{"payment", id},
                                       {"replaced", to_hex(chain::payment_id(old.payment))},
                                       {"amount", amount},
                                       {"fee", fee},
                                       {"fee_before", old.fee},
                                       {"inputs", payment.inputs.size()}});
    else
        out << fmt::format(
            "Sent {} again with a fee of {} instead of {}; the payment before is replaced.\n"
            "payment {}\nSee where it is: cairn explain {}{}\n",
            amount_text(amount), amount_text(fee), amount_text(old.fee), id, id.substr(0, 12),
            dir_words(request.file.directory));
    if (!out.flush()) say("the payment is replaced all the same, by the one with the id " + id);
}

}  // namespace

Status run_wallet_bump(const WalletRequest& request, std::ostream& out) {
    const auto id = fixed_from_hex<32>(request.payment);
    if (!id.ok())
        return misused("'" + request.payment.substr(0, 80) +
                       "' is no payment's id: give the 64 hexadecimal digits that `cairn wallet "
                       "send` printed");
    const std::string& directory = request.file.directory;
    ASSIGN_OR_RETURN(const chain::NetworkDefinition network, read_network(directory));
    const Hash256 genesis_id = chain::genesis_id(network);
    ASSIGN_OR_RETURN(const WalletNode node, WalletNode::of_directory(directory, genesis_id));
    ASSIGN_OR_RETURN(const ChainReader chain, open_chain(directory));
    const wallet::Wallet::Used used = used_on_chain(chain);

    ASSIGN_OR_RETURN(const WalletLock lock, lock_wallet(request.file));
    ASSIGN_OR_RETURN(wallet::Wallet wallet, open_wallet(request.file));
    if (!wallet.can_spend()) return wallet::watches_only();
    RETURN_IF_ERROR(wallet.find_used(used, wallet.gap()));
    ASSIGN_OR_RETURN(const node::PooledView pooled, node.pooled(*id));
    ASSIGN_OR_RETURN(const chain::Payment payment, chain::decode_payment(pooled.payment));
    ASSIGN_OR_RETURN(const std::vector<wallet::OwnCoin> coins,
                     node.coins(wallet.keys(wallet::kGap)));
    ASSIGN_OR_RETURN(const wallet::WaitingPayment old,
                     wallet::waiting_payment(wallet, payment, pooled.fee, coins));
    ASSIGN_OR_RETURN(const Plan plan, plan_for(old, coins, request.fee, node.fee_rate()));
    RETURN_IF_ERROR(check_amounts(old.paid, plan.fee, request.high_fee));

    ASSIGN_OR_RETURN(const std::uint32_t change, wallet.change_index(used, paid_in_pool(coins)));
    SystemRandom random;
    const crypto::PublicKey change_key = wallet.key(wallet::Chain::kChange, change);
    ASSIGN_OR_RETURN(
        const chain::Payment better,
        wallet::replace_payment(wallet, genesis_id, old, plan.more, plan.fee, change_key, random));
    RETURN_IF_ERROR(node.pay(better));
    if (better.outputs.size() > 1 && better.outputs.back().key == change_key)
        if (const Status kept = wallet.keep(wallet::Chain::kChange, change, random); !kept.ok())
            say("the payment is replaced, but the wallet's file could not be written (" +
                kept.error().message + "). Nothing is lost: the wallet finds its change.");
    say_bumped(request, old, better, plan.fee, out);
    return ok_status();
}

}  // namespace cairn::cli
