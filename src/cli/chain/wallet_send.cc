// `cairn wallet send`: asks the running node which coins the wallet's keys can spend, signs a
// payment here, and hands it to the node. Secrets never leave this process.
#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/client.h"
#include "api/explain.h"
#include "base/random.h"
#include "cli/chain/amount.h"
#include "cli/chain/data_directory.h"
#include "cli/chain/wallet_command.h"
#include "wallet/address.h"
#include "wallet/spend.h"

namespace cairn::cli {

namespace {

using Json = nlohmann::json;

Result<Json> ask(const api::Client& client, const std::string& path) {
    ASSIGN_OR_RETURN(const std::string text, client.get(path));
    Json json = Json::parse(text, nullptr, false);
    if (!json.is_object()) return invalid("the node's answer is not JSON");
    return json;
}

Status add_coins(const api::Client& client, const crypto::PublicKey& key,
                 std::vector<wallet::OwnCoin>& coins) {
    ASSIGN_OR_RETURN(const Json answer, ask(client, "/v1/cairn/coins?key=" + to_hex(key)));
    for (const Json& coin : answer.value("coins", Json::array())) {
        wallet::OwnCoin own;
        ASSIGN_OR_RETURN(own.outpoint.id, fixed_from_hex<32>(coin.value("txid", "")));
        own.outpoint.index = coin.value("index", 0u);
        own.output.amount = coin.value("amount", std::uint64_t{0});
        own.output.key = key;
        own.mature = coin.value("mature", false);
        coins.push_back(own);
    }
    return ok_status();
}

/// The node and the wallet's directory must mean the same network: the signature commits to it.
Status check_network(const api::Client& client, const Hash256& genesis_id) {
    ASSIGN_OR_RETURN(const Json status, ask(client, "/v1/cairn/status"));
    if (status.value("genesis_id", "") == to_hex(genesis_id)) return ok_status();
    return Error{ErrorCode::kRefused, "the running node is on another network"};
}

Status check_funds(const std::vector<wallet::OwnCoin>& coins, const wallet::PaymentOrder& order) {
    const wallet::Balance balance = wallet::balance_of(coins);
    const std::uint64_t needed = order.amount + order.fee;
    if (needed <= balance.spendable) return ok_status();
    return Error{ErrorCode::kRefused,
                 fmt::format("not enough coins: {} needed with the fee, {} can be spent now and {} "
                             "are maturing",
                             api::amount_text(needed), api::amount_text(balance.spendable),
                             api::amount_text(balance.maturing))};
}

}  // namespace

Status run_wallet_send(const WalletRequest& request, std::ostream& out) {
    wallet::PaymentOrder order;
    ASSIGN_OR_RETURN(order.to, wallet::decode_address(request.to));
    ASSIGN_OR_RETURN(order.amount, parse_amount(request.amount));
    ASSIGN_OR_RETURN(order.fee, parse_amount(request.fee));
    const std::string& directory = request.file.directory;
    ASSIGN_OR_RETURN(const chain::NetworkDefinition network, read_network(directory));
    ASSIGN_OR_RETURN(const api::Client client, api::Client::of_directory(directory));
    const Hash256 genesis_id = chain::genesis_id(network);
    RETURN_IF_ERROR(check_network(client, genesis_id));

    ASSIGN_OR_RETURN(wallet::Wallet wallet, open_wallet(request.file));
    std::vector<wallet::OwnCoin> coins;
    for (const crypto::PublicKey& key : wallet.keys())
        RETURN_IF_ERROR(add_coins(client, key, coins));
    // Before a key is handed out for change: a payment that cannot be made should cost nothing.
    RETURN_IF_ERROR(check_funds(coins, order));
    ASSIGN_OR_RETURN(coins, wallet::choose_coins(std::move(coins), order.amount + order.fee));
    SystemRandom random;
    ASSIGN_OR_RETURN(const crypto::PublicKey change, wallet.fresh_key(random));
    ASSIGN_OR_RETURN(const chain::Payment payment,
                     wallet::make_payment(wallet, genesis_id, coins, order, change, random));
    const std::string hex = to_hex(ByteView(chain::encode(payment)));
    ASSIGN_OR_RETURN(const std::string answer,
                     client.post("/v1/cairn/payments", Json{{"payment", hex}}.dump()));
    const std::string id = to_hex(chain::payment_id(payment));
    if (request.json) {
        out << Json{{"payment", id},
                    {"amount", order.amount},
                    {"fee", order.fee},
                    {"inputs", payment.inputs.size()}}
                   .dump()
            << '\n';
        return ok_status();
    }
    out << fmt::format(
        "Sent {} to {} with a fee of {}.\npayment {}\nSee where it is: cairn explain {}\n",
        api::amount_text(order.amount), request.to, api::amount_text(order.fee), id,
        id.substr(0, 12));
    return ok_status();
}

}  // namespace cairn::cli
