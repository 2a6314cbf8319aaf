// What a node shows, as JSON text in the shapes of API.md, and the same text read back. JSON stays
// in the .cc, where each struct's fields are listed once for both directions.
//
// Readers do not trust the text: they give nullopt for anything that lacks a field or has one of
// another type. Fields that they do not know are ignored. A number that is not finite is null in
// JSON, and comes back as NaN.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "node/node_api.h"

namespace cairn::api {

std::string status_json(const node::NodeStatus& status);
std::optional<node::NodeStatus> read_status(const std::string& json);

/// Without the samples that MergeRecord has room for.
std::string blocks_json(const std::vector<node::MergeView>& merges);
std::optional<std::vector<node::MergeView>> read_blocks(const std::string& json);

std::string pooled_json(const node::PooledView& pooled);
std::optional<node::PooledView> read_pooled(const std::string& json);

std::string coins_json(const std::vector<node::CoinView>& coins);
std::optional<std::vector<node::CoinView>> read_coins(const std::string& json);

std::string servers_json(const std::vector<node::ServerView>& servers);
std::optional<std::vector<node::ServerView>> read_servers(const std::string& json);

/// Where a coin comes from, for people as well: `found` is a sentence.
std::string trace_json(const proof::CoinTrace& trace);

/// {"name": "value"}
std::string field_json(const std::string& name, const std::string& value);
std::optional<std::string> read_field(const std::string& json, const std::string& name);

std::string records_json(const std::vector<store::ContributionRecord>& records);
/// (height, text) pairs, oldest first.
std::string samples_json(const std::vector<std::pair<std::uint64_t, std::string>>& samples);

}  // namespace cairn::api
