#include "api/json_views.h"

#include <nlohmann/json.hpp>

#include "api/explain.h"
#include "store/int128_text.h"

namespace cairn::api {

namespace {

using Json = nlohmann::ordered_json;

// Text that a model wrote may be cut inside a character: such bytes are replaced, where dump()
// would otherwise throw.
std::string dump(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json maybe(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

Json record_value(const store::ContributionRecord& record) {
    return {{"commitment", to_hex(record.commitment_id)},
            {"contributor", to_hex(record.contributor)},
            {"round", record.round},
            {"height", record.height},
            {"block", record.block.is_zero() ? Json(nullptr) : Json(to_hex(record.block))},
            {"merged", record.merged},
            {"reason", record.reason},
            {"score", store::to_decimal(record.score)},
            {"norm", record.norm},
            {"worth", store::to_decimal(record.worth)},
            {"worth_reference", store::to_decimal(record.worth_reference)},
            {"reward", record.reward},
            {"sentence", explain(record)}};
}

Json merge_value(const node::MergeView& view) {
    Json details = Json::array();
    for (const auto& record : view.contributions) details.push_back(record_value(record));
    const store::MergeRecord& merge = view.merge;
    return {{"height", merge.height},
            {"block", to_hex(merge.block)},
            {"time_ms", merge.time_ms},
            {"state_root", to_hex(merge.state_root)},
            {"report_loss", maybe(merge.report_loss)},
            {"judge_loss", maybe(merge.judge_loss_after)},
            {"judge_loss_before", maybe(merge.judge_loss_before)},
            {"contributions", merge.contributions},
            {"reward", merge.minted},
            {"details", std::move(details)}};
}

Json mining_value(const node::MiningView& mining) {
    return {{"enabled", mining.enabled},
            {"searching", mining.searching},
            {"height", mining.height},
            {"hashes", mining.hashes},
            {"hashes_per_s", mining.hashes_per_s},
            {"blocks", mining.blocks}};
}

Json training_value(const node::TrainingView& training) {
    return {{"enabled", training.enabled},
            {"stage", training.stage},
            {"round", training.round},
            {"steps", training.steps},
            {"steps_wanted", training.steps_wanted},
            {"local_loss", training.local_loss},
            {"merged", training.merged}};
}

}  // namespace

std::string status_json(const node::NodeStatus& status) {
    Json peers = Json::array();
    for (const node::PeerView& peer : status.peers)
        peers.push_back({{"id", peer.id},
                         {"address", peer.address},
                         {"key", to_hex(peer.key)},
                         {"outbound", peer.outbound},
                         {"height", peer.height}});
    return dump({{"network", status.network_name},
                 {"genesis_id", to_hex(status.genesis_id)},
                 {"node_key", to_hex(status.node_key)},
                 {"miner_key", to_hex(status.miner_key)},
                 {"listen", status.listen_address},
                 {"height", status.height},
                 {"tip", to_hex(status.tip)},
                 {"state_root", to_hex(status.state_root)},
                 {"tip_time_ms", status.tip_time_ms},
                 {"headers_height", status.headers_height},
                 {"supply", status.supply},
                 {"mempool",
                  {{"payments", status.mempool_payments},
                   {"commitments", status.mempool_commitments},
                   {"contributions", status.mempool_contributions}}},
                 {"reorganisations", status.reorganisations},
                 {"missing_assets", status.missing_assets},
                 {"peers", std::move(peers)},
                 {"mining", mining_value(status.mining)},
                 {"training", training_value(status.training)},
                 {"warning", status.warning}});
}

std::string blocks_json(const std::vector<node::MergeView>& merges) {
    Json blocks = Json::array();
    for (const node::MergeView& view : merges) blocks.push_back(merge_value(view));
    return dump({{"blocks", std::move(blocks)}});
}

std::string records_json(const std::vector<store::ContributionRecord>& records) {
    Json list = Json::array();
    for (const auto& record : records) list.push_back(record_value(record));
    return dump({{"records", std::move(list)}});
}

std::string coins_json(const std::vector<node::CoinView>& coins) {
    Json list = Json::array();
    for (const node::CoinView& coin : coins)
        list.push_back({{"txid", to_hex(coin.txid)},
                        {"index", coin.index},
                        {"amount", coin.amount},
                        {"height", coin.height},
                        {"coinbase", coin.coinbase},
                        {"mature", coin.mature},
                        {"key", to_hex(coin.key)},
                        {"spent", coin.spent},
                        {"pending", coin.pending}});
    return dump({{"coins", std::move(list)}});
}

std::string samples_json(const std::vector<std::pair<std::uint64_t, std::string>>& samples) {
    Json list = Json::array();
    for (const auto& [height, text] : samples) list.push_back({{"height", height}, {"text", text}});
    return dump({{"samples", std::move(list)}});
}

std::string field_json(const std::string& name, const std::string& value) {
    return dump(Json{{name, value}});
}

}  // namespace cairn::api
