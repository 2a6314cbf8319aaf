#include "api/remote_node.h"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

#include "api/json_views.h"
#include "api/protocol.h"
#include "chain/payment.h"

namespace cairn::api {

namespace {

using Json = nlohmann::json;

// A prompt may be no UTF-8, at which dump() would otherwise throw.
std::string dump(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

Result<RemoteNode> RemoteNode::of_directory(const std::string& directory,
                                            std::uint64_t timeout_ms) {
    ASSIGN_OR_RETURN(Client client, Client::of_directory(directory, timeout_ms));
    return RemoteNode(std::move(client));
}

Result<node::NodeStatus> RemoteNode::status() const {
    ASSIGN_OR_RETURN(const std::string answer, client_.get(kStatusPath));
    auto status = read_status(answer);
    if (!status) return client_.no_node();
    return *std::move(status);
}

Result<std::vector<node::ServerView>> RemoteNode::servers() const {
    ASSIGN_OR_RETURN(const std::string answer, client_.get(kServersPath));
    auto servers = read_servers(answer);
    if (!servers) return client_.no_node();
    return *std::move(servers);
}

Result<std::vector<node::MergeView>> RemoteNode::merges(std::uint64_t from_height,
                                                        std::size_t max) const {
    std::vector<node::MergeView> merges;
    while (merges.size() < max) {
        const std::size_t wanted = std::min(max - merges.size(), kMaxBlocksPerAnswer);
        ASSIGN_OR_RETURN(const std::string answer, client_.get(std::string(kBlocksPath) + "?from=" +
                                                               std::to_string(from_height) +
                                                               "&max=" + std::to_string(wanted)));
        auto part = read_blocks(answer);
        if (!part || part->size() > wanted) return client_.no_node();
        merges.insert(merges.end(), std::move_iterator(part->begin()),
                      std::move_iterator(part->end()));
        if (part->size() < wanted) break;
        from_height = merges.back().merge.height + 1;
    }
    return merges;
}

Result<std::vector<node::CoinView>> RemoteNode::coins_of(
    std::span<const crypto::PublicKey> keys) const {
    if (keys.empty()) return std::vector<node::CoinView>();
    std::string list;
    for (const crypto::PublicKey& key : keys) list += (list.empty() ? "" : ",") + to_hex(key);
    ASSIGN_OR_RETURN(const std::string answer,
                     client_.get(std::string(kCoinsPath) + "?key=" + list));
    auto coins = read_coins(answer);
    if (!coins) return client_.no_node();
    return *std::move(coins);
}

Result<node::PooledView> RemoteNode::pooled_payment(const Hash256& id) const {
    ASSIGN_OR_RETURN(const std::string answer,
                     client_.get(std::string(kPooledPath) + "?id=" + to_hex(id)));
    auto pooled = read_pooled(answer);
    if (!pooled) return client_.no_node();
    // Whoever replaces it signs what it pays to whom: another one would be paid, and was never
    // sent.
    const auto payment = chain::decode_payment(pooled->payment);
    if (!payment.ok() || chain::payment_id(*payment) != id) return client_.no_node();
    return *std::move(pooled);
}

Result<Hash256> RemoteNode::submit_payment(ByteView payment) const {
    ASSIGN_OR_RETURN(const std::string answer,
                     client_.post(kPaymentsPath, field_json("payment", to_hex(payment))));
    return hash_in(answer, "id");
}

Result<Bytes> RemoteNode::prove(const proof::Question& question) const {
    std::string path = std::string(kProofPath) + "?from=" + std::to_string(question.first_height);
    path +=
        question.id ? "&id=" + to_hex(*question.id) : "&height=" + std::to_string(question.height);
    if (question.kind)
        path += std::string("&kind=") + proof::kKindNames[static_cast<std::size_t>(*question.kind)];
    ASSIGN_OR_RETURN(const std::string answer, client_.get(path));
    const auto proof = from_hex(read_field(answer, "proof").value_or("?"));
    if (!proof.ok()) return client_.no_node();
    return *proof;
}

Result<std::string> RemoteNode::trace_coin(const chain::OutPoint& coin,
                                           std::size_t max_steps) const {
    return client_.get(std::string(kTracePath) + "?coin=" + chain::outpoint_text(coin) +
                       "&max=" + std::to_string(max_steps));
}

Result<std::string> RemoteNode::generate(const std::string& prompt, std::uint32_t max_tokens,
                                         std::uint64_t seed) const {
    const Json request = {{"prompt", prompt}, {"max_tokens", max_tokens}, {"seed", seed}};
    ASSIGN_OR_RETURN(const std::string answer, client_.post(kGeneratePath, dump(request)));
    auto text = read_field(answer, "text");
    if (!text) return client_.no_node();
    return *std::move(text);
}

Result<Hash256> RemoteNode::export_model(const std::string& path, bool replace) const {
    const Json request = {{"folder", path}, {"replace", replace}};
    ASSIGN_OR_RETURN(const std::string answer, client_.post(kExportPath, dump(request)));
    return hash_in(answer, "state_root");
}

Result<Hash256> RemoteNode::hash_in(const std::string& answer, const std::string& name) const {
    const auto hash = fixed_from_hex<32>(read_field(answer, name).value_or(""));
    if (!hash.ok()) return client_.no_node();
    return *hash;
}

}  // namespace cairn::api
