#include "cli/chain/wallet_node.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/node_answer.h"
#include "console/json_line.h"
#include "node/node_api.h"

namespace cairn::cli {

namespace {

using Json = nlohmann::json;

// For a field that is missing or has another type: the node has another version, or is no node.
Error no_answer() { return io_error("the node's answer makes no sense; is it of this version?"); }

Result<wallet::OwnCoin> coin_of(const Json& json) {
    wallet::OwnCoin coin;
    std::string id, key;
    if (!api::read(json, "txid", id) || !api::read(json, "key", key) ||
        !api::read(json, "index", coin.outpoint.index) ||
        !api::read(json, "amount", coin.output.amount) || !api::read(json, "mature", coin.mature) ||
        !api::read(json, "spent", coin.spent) || !api::read(json, "pending", coin.pending))
        return no_answer();
    ASSIGN_OR_RETURN(coin.outpoint.id, fixed_from_hex<32>(id));
    ASSIGN_OR_RETURN(coin.output.key, fixed_from_hex<32>(key));
    return coin;
}

}  // namespace

Result<WalletNode> WalletNode::of_directory(const std::string& directory, const Hash256& genesis_id,
                                            std::uint64_t timeout_ms) {
    ASSIGN_OR_RETURN(api::Client client, api::Client::of_directory(directory, timeout_ms));
    ASSIGN_OR_RETURN(const Json status, api::ask_node(client, "/v1/cairn/status"));
    std::string genesis;
    if (!api::read(status, "genesis_id", genesis)) return client.no_node();
    if (genesis != to_hex(genesis_id))
        return Error{ErrorCode::kRefused, "the running node is on another network"};
    return WalletNode(std::move(client));
}

Result<std::vector<wallet::OwnCoin>> WalletNode::coins(
    const std::vector<crypto::PublicKey>& keys) const {
    std::vector<wallet::OwnCoin> coins;
    for (std::size_t begin = 0; begin < keys.size(); begin += node::kMaxCoinKeys) {
        std::string path = "/v1/cairn/coins?key=";
        const std::size_t end = std::min(keys.size(), begin + node::kMaxCoinKeys);
        for (std::size_t i = begin; i < end; ++i) path += (i > begin ? "," : "") + to_hex(keys[i]);
        ASSIGN_OR_RETURN(const Json answer, api::ask_node(client_, path));
        const auto list = answer.find("coins");
        if (list == answer.end() || !list->is_array()) return no_answer();
        for (const Json& json : *list) {
            ASSIGN_OR_RETURN(const wallet::OwnCoin coin, coin_of(json));
            coins.push_back(coin);
        }
    }
    return coins;
}

Status WalletNode::pay(const chain::Payment& payment) const {
    const std::string hex = to_hex(ByteView(chain::encode(payment)));
    const auto answer =
        client_.post("/v1/cairn/payments", console::json_text(Json{{"payment", hex}}));
    if (answer.ok()) return ok_status();
    const Error& error = answer.error();
    const bool refused = error.code == ErrorCode::kInvalid || error.code == ErrorCode::kRefused ||
                         error.code == ErrorCode::kNotFound;
    if (refused) return error;
    return Error{error.code, error.message +
                                 "; the node may have taken the payment all the same: look at "
                                 "`cairn wallet balance` before you send again"};
}

}  // namespace cairn::cli
