// What the node shows, as JSON text in the shapes of API.md. JSON stays in the .cc.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "node/node_api.h"

namespace cairn::api {

std::string status_json(const node::NodeStatus& status);
std::string blocks_json(const std::vector<node::MergeView>& merges);
std::string records_json(const std::vector<store::ContributionRecord>& records);
std::string coins_json(const std::vector<node::CoinView>& coins);
/// (height, text) pairs, oldest first.
std::string samples_json(const std::vector<std::pair<std::uint64_t, std::string>>& samples);
/// {"name": "value"}
std::string field_json(const std::string& name, const std::string& value);

}  // namespace cairn::api
